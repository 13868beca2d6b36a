#!/usr/bin/env bash
# Lay the newest servers that Debian packages (in its suite "sid") into FOLDER/usr/bin, without
# installing them: prometheus, promtool, prometheus-alertmanager, amtool, victoria-metrics.
#
#     tests/tools/fetch_newest_servers.sh FOLDER
#
# apt works as this machine sets it up (mirror, proxy, keys), with lists and files of its own: the
# system's packages stay as they are, and root is not needed.
set -euo pipefail

folder=$(realpath --canonicalize-missing "${1:?usage: fetch_newest_servers.sh FOLDER}")
# An older release of a server must not be left beside the new one.
rm -rf "$folder"
mkdir -p "$folder"/apt/{lists/partial,cache/archives/partial}

# Debian's security updates have the label Debian-Security: they are on another mirror.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' | sort -u | head -n 1)
if [ -z "$mirror" ]; then
    echo 'apt has no index of a Debian mirror. On Debian, run "apt-get update" as root first.' >&2
    exit 1
fi
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keyring] $mirror sid main" >"$folder/apt/sources.list"

apt_of_folder() {
    apt-get -qq \
        -oDir::Etc::SourceList="$folder/apt/sources.list" -oDir::Etc::SourceParts=/dev/null \
        -oDir::State::Lists="$folder/apt/lists" -oDir::Cache="$folder/apt/cache" \
        -oAPT::Sandbox::User=root "$@"
}
apt_of_folder update
cd "$folder/apt"
apt_of_folder download prometheus promtool prometheus-alertmanager victoria-metrics
for package in *.deb; do
    dpkg --extract "$package" "$folder"
    # Not from the server: Debian's VictoriaMetrics does not know its own version.
    dpkg-deb --show --showformat='${Package} ${Version}\n' "$package"
done
rm -r "$folder/apt"
