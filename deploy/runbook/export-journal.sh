#!/usr/bin/env bash
# Exports a month of the journal for the authorised body, and verifies it: export-journal.sh 2026-03 [FOLDER]
#
# The file holds no person: subjects stand there by numbers of their own. It is verified once more with nothing but the
# program and the keys that the service publishes, as the authorised body would.
#
#   HEAD     SEQ:CHAIN, kept from an earlier verification: the journal is held against it
#   COPY     lines of the journal's target (syslog, file), from where nobody of this machine can write: the same
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ ${1:-} =~ ^[0-9]{4}-(0[1-9]|1[0-2])$ ]] || fail 'give the month: export-journal.sh 2026-03'
month=$1 folder=${2:-.}
: "${JWKS:?the address of the keys, https://…/.well-known/jwks.json: a file that is held against its own keys proves nothing}"
next=$(date --date="$month-01 +1 month" +%Y-%m)
file=$folder/journal-$month.jsonl

say 'the journal as it stands'
kdp journal verify ${HEAD:+--head "$HEAD"} ${COPY:+--copy "$COPY"}
say "exporting $month"
kdp journal export --from "$month-01" --to "$next-01" --output "$file"
say 'verifying the file by the keys that the service publishes'
curl --silent --fail --max-time 10 --output "$folder/jwks.json" "$JWKS"
"$KDP" journal verify --file "$file" --jwks "$folder/jwks.json"
sha256sum "$file"
