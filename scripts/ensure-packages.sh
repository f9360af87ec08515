#!/bin/sh
# Installs the Debian packages that are missing, with sudo where not root. Says what it installs.
#   ensure-packages.sh build|images|registry|test|bench|reference|lint ...
set -eu

wanted=
for set in "$@"; do
    case $set in
    build) wanted="$wanted build-essential pkgconf libzstd-dev libisal-dev libjson-c-dev libssl-dev
        libcurl4-openssl-dev python3-venv python3-dev ca-certificates" ;;
    images) wanted="$wanted debian-archive-keyring zstd" ;;
    registry) wanted="$wanted docker-registry skopeo gpg gpg-agent gpgv" ;;
    test) wanted="$wanted umoci buildah libarchive-tools zstd zsh fish gcc-aarch64-linux-gnu libc6-dev-arm64-cross
        qemu-user-static binutils btrfs-progs xfsprogs e2fsprogs" ;;
    bench) wanted="$wanted isal libarchive-tools e2fsprogs" ;;
    reference) wanted="$wanted qemu-system-arm e2fsprogs" ;;
    lint) wanted="$wanted clang-format" ;;
    *) echo "ensure-packages: no such set: $set" >&2; exit 2 ;;
    esac
done

missing=
for package in $wanted; do
    state=$(dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null || true)
    case $state in
    *installed*) [ "$state" = not-installed ] && missing="$missing $package" ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "ensure-packages: not root, and no sudo; please install:$missing" >&2
        exit 1
    }
    as_root=sudo
fi
# shellcheck disable=SC2086
set -- $missing
echo "Installing Debian packages: $*"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get -qq update
# No services: docker-registry is started by hand, on a port of ours.
$as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get -qq -y --no-install-recommends install "$@" >/dev/null
