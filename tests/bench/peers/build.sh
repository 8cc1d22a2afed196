#!/bin/bash
# build.sh FOLDER BUILT: installs what the peers in FOLDER need (Debian, as its README says) and builds them in BUILT.
# Run by `cargo bench --bench exchange -- peers --build`. What cannot be built is told, and left out of the benchmark.
set -uo pipefail
folder=$1 built=$2
mkdir -p "$built/node"

needed=(gsoap libgsoap-dev libsqlite3-dev libssl-dev zlib1g-dev libwss4j-java libxml-security-java libxerial-sqlite-jdbc-java
    default-jdk-headless python3-venv)
type node npm >/dev/null 2>&1 || needed+=(nodejs npm)
missing=()
for package in "${needed[@]}"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
done
if ((${#missing[@]})); then
    become=()
    [[ $EUID -eq 0 ]] || become=(sudo -n)
    echo "== installing ${missing[*]}"
    "${become[@]}" apt-get update -qq
    "${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# attempt NAME COMMAND…
attempt() {
    echo "== building $1"
    "${@:2}" || echo "== $1 could not be built: it is left out" >&2
}

java() {
    sh "$folder/peers/java/classpath.sh" "$built" >/dev/null
}

python() {
    [[ -x $built/venv/bin/python ]] || python3 -m venv "$built/venv" || return
    "$built/venv/bin/pip" install -q lxml xmlsec cryptography uvicorn httptools uvloop
}

node_modules() {
    cp "$folder/peers/node/package.json" "$built/node/" && (cd "$built/node" && npm install --no-audit --no-fund)
}

# Cargo writes a lock file beside the sources, which are not ours to change.
floor() {
    mkdir -p "$built/source" && cp -R "$folder/limits/." "$built/source/" && chmod -R u+w "$built/source" &&
        (cd "$built/source" && CARGO_TARGET_DIR=$built/limits cargo build --release --bin floor)
}

attempt gsoap sh "$folder/peers/gsoap/build.sh" "$built/gsoap"
attempt "jdk and wss4j" java
attempt python python
attempt node node_modules
attempt floor floor
