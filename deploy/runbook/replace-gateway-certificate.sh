#!/usr/bin/env bash
# Lets a new certificate of the gateway hold beside the old one: replace-gateway-certificate.sh PEER NEW.pem
# and, once the gateway signs by the new one: replace-gateway-certificate.sh PEER --remove OLD.pem
#
# Both are believed in between, so no message is refused, whenever the gateway changes over.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ $# -ge 2 ]] || fail 'replace-gateway-certificate.sh PEER NEW.pem, or PEER --remove OLD.pem'
peer=$1
if [[ $2 == --remove ]]; then
    change=remove file=$(realpath "${3:?which one}")
else
    change=add file=$(realpath "$2")
    say 'the new certificate: compare it with what the gateway told on another way'
    "$KDP" cert show "$file" || say '(whether it is revoked was not checked here)'
fi

edited=$(mktemp "$CONFIG.XXXXXX")
trap 'rm -f "$edited"' EXIT
awk -v section="[peers.$peer]" -v change="$change" -v file="$file" '
    /^\[/ { inside = ($0 == section) }
    inside && /^certificates *=/ {
        list = $0
        sub(/^[^\[]*\[/, "", list)
        sub(/\].*$/, "", list)
        count = split(list, items, /, */)
        text = ""
        for (i = 1; i <= count; i++)
            if (items[i] != "\"" file "\"") text = text (text == "" ? "" : ", ") items[i]
        if (change == "add") text = text (text == "" ? "" : ", ") "\"" file "\""
        print "certificates = [" text "]"
        found = 1
        next
    }
    { print }
    END { exit !found }' "$CONFIG" >"$edited" || fail "[peers.$peer] has no certificates on one line in $CONFIG"
chmod --reference="$CONFIG" "$edited"
chown --reference="$CONFIG" "$edited"
"$KDP" check --config "$edited" || fail 'with this change the service would not start: nothing has changed'
cp -p "$CONFIG" "$CONFIG.before"
mv "$edited" "$CONFIG"
trap - EXIT
$RELOAD
wait_until_ready
say "done: ${change}ed; the configuration of before is $CONFIG.before"
