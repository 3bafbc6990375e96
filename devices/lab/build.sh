#!/usr/bin/env bash
# Builds the lab: what runs on a Raspberry Pi, Debian for another processor, in a folder of this machine; its programs run by qemu-user.
#   devices/lab/build.sh [arm64|armhf]      as root, on Debian or Ubuntu, with a network; minutes; 700 MB in $EDGESHIP_LAB
#   devices/lab/build.sh --remove           removes all labs, and lets the kernel forget how to run their programs
set -euo pipefail
if [ "${1:-}" = --remove ]; then
    for qemu in qemu-aarch64 qemu-arm; do update-binfmts --disable $qemu || true; done
    rm -rf --one-file-system "${EDGESHIP_LAB:-/var/tmp/edgeship-lab}"
    exit 0
fi
architecture=${1:-arm64}
lab=${EDGESHIP_LAB:-/var/tmp/edgeship-lab}/$architecture
case $architecture in
    arm64) qemu=qemu-aarch64 more= ;;
    armhf) qemu=qemu-arm more=,python3-numpy,python3-pil ;; # PyPI has no armv7l wheels of these: a Pi gets them from Debian or piwheels
    *) echo "no lab for $architecture; wanted arm64 or armhf" >&2; exit 2 ;;
esac

if [ "$(id -u)" != 0 ]; then
    echo "the lab needs root: chroot and binfmt_misc" >&2
    exit 1
fi
if [ -x "$lab/usr/sbin/sshd" ]; then
    echo "$lab is there; remove it to build it anew"
    exit 0
fi
for program in mmdebstrap qemu-aarch64-static update-binfmts arch-test; do
    command -v $program >/dev/null && continue
    apt-get update -qq
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq --no-install-recommends mmdebstrap qemu-user-static binfmt-support arch-test
    break
done
[ -e /proc/sys/fs/binfmt_misc/register ] || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
update-binfmts --enable $qemu

rm -rf --one-file-system "$lab.part" # what a build that was killed left mounted is not ours to remove
mkdir -p "$(dirname "$lab")"
nice -n 19 mmdebstrap --arch="$architecture" --variant=minbase \
    --include="python3,python3-venv,python3-pip,openssh-server,ca-certificates$more" bookworm "$lab.part"
mkdir -p "$lab.part/run/sshd"
mv "$lab.part" "$lab"
echo "built $lab; devices/lab/build.sh --remove undoes it"
