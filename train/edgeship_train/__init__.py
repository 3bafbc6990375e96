"""edgeship_train: labelled pictures to a trained .keras model file.

The data's way: `dataset` reads the pictures, `split` decides which serve what, `architectures` builds the network, `training` fits
it, `carrying` chooses the pictures that travel along, `saving` writes the model file and `report` what came out.

    >>> from edgeship_train.dataset import read_dataset
    >>> dataset = read_dataset(open_data("flowers/"), Preprocessing(96, 96), seed=0)
    >>> trained = train(dataset, TrainingConfig(arch="cnn"))
"""
