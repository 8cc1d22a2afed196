#!/usr/bin/env bash
# Replaces the keys of the service, without a pause: rotate-keys.sh
#
#   SERVICE_KEY SERVICE_CERT   a new key of the answers and its certificate, PEM; without them, that key stays
#   TLS_KEY TLS_CERT           the same of TLS
#   RESEAL_MINUTES             how long sealing anew may take (default 600)
#
# Tokens of the old keys stay good: the keys are published until the last of them has expired. The sealing key of before
# is taken out of the key file when nothing is sealed by it any more: backups of its time need it, so its copy is kept.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# The path that the configuration has for a key of a section.
path_of() {
    local section=$1 name=$2 default=${3:-} path
    path=$(awk -v section="[$section]" -v name="$name" '
        /^\[/ { inside = ($0 == section) }
        inside && $1 == name { gsub(/^[^"]*"|".*$/, ""); print; exit }' "$CONFIG")
    printf '%s' "${path:-$default}"
}

# A new file in the place of an old one, at once, for its owner alone.
replace() {
    local from=$1 to=$2
    install -m 600 "$from" "$to.new"
    sync "$to.new"
    mv "$to.new" "$to"
}

# The two of a pair, put back when the service does not take them.
replace_pair() {
    local key=$1 key_path=$2 cert=$3 cert_path=$4
    cp -p "$key_path" "$key_path.before"
    cp -p "$cert_path" "$cert_path.before"
    replace "$key" "$key_path"
    replace "$cert" "$cert_path"
    if ! kdp check; then
        mv "$key_path.before" "$key_path"
        mv "$cert_path.before" "$cert_path"
        fail 'the new pair cannot be used, and the old one is back: nothing has changed'
    fi
    $RELOAD
}

say 'the keys that sign tokens and receipts'
kdp keys rotate

if [[ -n ${SERVICE_KEY:-} ]]; then
    say 'the key of the answers'
    replace_pair "$SERVICE_KEY" "$(path_of trust key /etc/kdp/service.key.pem)" \
        "${SERVICE_CERT:?a key comes with its certificate}" "$(path_of trust certificate /etc/kdp/service.cert.pem)"
fi
if [[ -n ${TLS_KEY:-} ]]; then
    say 'the key of TLS'
    replace_pair "$TLS_KEY" "$(path_of tls key)" "${TLS_CERT:?a key comes with its certificate}" "$(path_of tls certificate)"
fi

say 'the key that seals'
old=$(kdp seal-key list --json | grep -o '"number":[0-9]*' | head -1 | grep -o '[0-9]*')
kdp seal-key add
minutes=${RESEAL_MINUTES:-600}
for ((i = 0; i < minutes * 30; i++)); do
    ! kdp seal-key list --json | grep -q '"done":true' || break
    sleep 2
done
kdp seal-key list
say "taking out key $old; the first minute it is kept for what is on its way"
for ((i = 0; i < 60; i++)); do
    ! kdp seal-key remove "$old" || { say 'done: keep a copy of the new key file, apart from the backups'; exit 0; }
    sleep 5
done
fail "key $old is still in use: run kdp seal-key list later, then kdp seal-key remove $old"
