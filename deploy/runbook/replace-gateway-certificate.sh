#!/usr/bin/env bash
# Lets a new certificate of the gateway hold beside the old one: replace-gateway-certificate.sh PEER NEW.pem
# and, once the gateway signs by the new one: replace-gateway-certificate.sh PEER --remove OLD.pem
#
# Both are believed in between, so no message is refused, whenever the gateway changes over.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ $# -ge 2 ]] || fail 'replace-gateway-certificate.sh PEER NEW.pem, or PEER --remove OLD.pem'
peer=$1
if [[ $2 == --remove ]]; then
    # As the configuration names it.
    change=remove file=${3:?which one}
else
    # Beside the configuration, where the service can read it whatever it may see of the machine.
    change=add file=$(dirname "$(realpath "$CONFIG")")/$peer-$(sha256sum "$2" | cut -c1-16).pem
    install -m 640 "$2" "$file"
    chown --reference="$CONFIG" "$file"
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
            if (items[i] != "\"" file "\"") { kept++; text = text (text == "" ? "" : ", ") items[i] }
        if (change == "add") text = text (text == "" ? "" : ", ") "\"" file "\""
        print "certificates = [" text "]"
        found = 1
        next
    }
    { print }
    END { exit !(found && (change == "add" || kept < count)) }' "$CONFIG" >"$edited" || fail "[peers.$peer] has no such certificate, or not all of them on one line, in $CONFIG"
chmod --reference="$CONFIG" "$edited"
chown --reference="$CONFIG" "$edited"
$AS "$KDP" check --config "$edited" || fail 'with this change the service would not start: nothing has changed'
cp -p "$CONFIG" "$CONFIG.before"
mv "$edited" "$CONFIG"
trap - EXIT
reload
say "done: ${change}ed; the configuration of before is $CONFIG.before"
