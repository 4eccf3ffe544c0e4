#!/bin/sh
# Unpack Debian 11's Asterisk 16 and SIPp into a folder, without installing anything: Debian 12 has no Asterisk.
# usage: asterisk_install.sh FOLDER     The mirror is the one that this machine's own apt uses.
set -eu
folder=$1
[ -x "$folder/root/usr/sbin/asterisk" ] && [ -x "$folder/root/usr/bin/sipp" ] && exit 0

. /etc/os-release
mirror() { # the address from which this machine takes the suite $1
    # shellcheck disable=SC2016 # apt fills these in
    apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
        awk -v suite="$1" '$1 == suite { print $2; exit }'
}

rm -rf "$folder"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd) # apt takes no relative paths
mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial" "$folder/unpacked"
key=/usr/share/keyrings/debian-archive-keyring.gpg
main=$(mirror "$VERSION_CODENAME")
security=$(mirror "$VERSION_CODENAME-security")
{
    echo "deb [signed-by=$key] $main bullseye main"
    [ -z "$security" ] || echo "deb [signed-by=$key] $security bullseye-security main"
} >"$folder/apt/sources.list"

private_apt() {
    apt-get -qq -o Dir::Etc::SourceList="$folder/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$folder/apt/lists" -o Dir::Cache="$folder/apt" -o Debug::NoLocking=true \
        -o APT::Install-Recommends=false -o APT::Sandbox::User=root "$@"
}

echo "Unpacking Asterisk and SIPp into $folder"
private_apt update
private_apt install -y --download-only --reinstall asterisk sip-tester >/dev/null
for package in "$folder"/apt/archives/*.deb; do
    dpkg-deb -x "$package" "$folder/unpacked"
done
rm -rf "$folder/apt"
mv "$folder/unpacked" "$folder/root" # last, so that a folder that is there is whole
