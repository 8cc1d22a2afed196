#!/usr/bin/env bash
# Replaces the keys of the service, without a pause: rotate-keys.sh
#
#   SERVICE_KEY SERVICE_CERT   a new key of the answers and its certificate, PEM; without them, that key stays
#   TLS_KEY TLS_CERT           the same of TLS
#   KEY_COPY                   a folder apart from the backups, which gets a copy of the key file before and after: needed
#   RESEAL_MINUTES             how long sealing anew may take (default 600)
#
# It asks often who runs it: KDP_OPERATOR and KDP_OPERATOR_PASSWORD_FILE are needed. Where a second factor is configured, run
# its commands one by one. After a break, run it again: what is done already is passed over.
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
    reload
    rm -f "$key_path.before" "$cert_path.before"
}

[[ -d ${KEY_COPY:-} ]] || fail 'give KEY_COPY, a folder apart from the backups: without the old key they cannot be read'
[[ -r ${KDP_OPERATOR_PASSWORD_FILE:-} ]] || fail 'give KDP_OPERATOR and KDP_OPERATOR_PASSWORD_FILE: it asks often'
! grep -q '^second_factor' "$CONFIG" || fail 'with a second factor, run the commands of runbook.md one by one'

say 'the keys that sign tokens and receipts'
waiting=$(kdp keys list --json | grep -c '"waits"' || true)
if ((waiting)); then say '(new ones are waiting already)'; else kdp keys rotate; fi

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
sealing=$(path_of database seal_keys /etc/kdp/seal.keys)
copy_keys() {
    local copy
    copy=$KEY_COPY/seal.keys.$(date +%Y%m%dT%H%M%S).$1
    install -m 600 "$sealing" "$copy"
    sync "$copy"
    say "copy of the key file: $copy"
}
state() { kdp seal-key list --json || fail 'kdp seal-key list'; }
numbers() { state | grep -o '"number":[0-9]*' | grep -o '[0-9]*'; }
if [[ $(numbers | wc -l) -eq 1 ]]; then
    copy_keys before
    kdp seal-key add
fi
copy_keys after
old=$(numbers | tail -n +2)
minutes=${RESEAL_MINUTES:-600}
for ((i = 0; i < minutes * 12; i++)); do
    [[ $(state) != *'"done":true'* ]] || break
    sleep 5
done
kdp seal-key list
for key in $old; do
    say "taking out key $key; the first minute it is kept for what is on its way"
    for ((i = 0; ; i++)); do
        ! kdp seal-key remove "$key" || break
        ((i < 15)) || fail "key $key is still in use: run this again later"
        sleep 10
    done
done
say 'done: the backups of before need the copy of the key file that ends with .before'
