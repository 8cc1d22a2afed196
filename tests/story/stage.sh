# The stage of the stories: a sandbox of its own, and words to tell a story with. Sourced, not run.
#
#   open_stage          starts `kdp sandbox` on a free loopback port in a new folder; both go when the story ends
#   step TEXT…          tells what was done and held: one plain line
#   send PEER WORD…     `kdp send` as that peer of the sandbox; the answer is kept, its exit code too
#   value NAME          what the kept answer says of NAME (the first of several)
#   is NAME EXPECTED    … and it must be that
#   run WORD…           a `kdp` command on the data of the sandbox; its output is the kept answer
#   noticed             waits until the running service has noticed what a command registered: within a second
#   now, set_clock TIME, advance PERIOD    the clock of the sandbox
#
# STATE says where the state lives: postgres://…, an empty database, or a file of the sandbox unless it is set.
# CRYPTO says what everybody signs with: rsa (default), gost or mixed; that they do is held before the story begins.
# The binary is KDP, else the newer of target/release/kdp and target/debug/kdp (below CARGO_TARGET_DIR when that is set).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
crypto=${CRYPTO:-rsa}
answer='' code=0 began=$SECONDS steps=0

fail() {
    echo "FAILED: $*" >&2
    if [[ -n $answer ]]; then
        # What identifies anybody, and tokens, stay out of what is printed.
        sed -E 's/[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+/TOKEN/g; s/[0-9]{12}/############/g; s/^/    | /' <<<"$answer" >&2
    fi
    exit 1
}

step() {
    steps=$((steps + 1))
    printf '%2d. %s\n' "$steps" "$*"
}

find_kdp() {
    local target=${CARGO_TARGET_DIR:-$root/target}
    KDP=${KDP:-$(ls -t "$target/release/kdp" "$target/debug/kdp" 2>/dev/null | head -1 || true)}
    [[ -x $KDP ]] || fail "no kdp binary: build it (cargo build --release), or name it in KDP"
}

open_stage() {
    find_kdp
    command -v curl >/dev/null || fail "curl is missing"
    folder=$(mktemp -d)
    trap close_stage EXIT
    local port first='' where=()
    [[ -z ${STATE:-} ]] || where=(--database "$STATE")
    # A taken port is no failure of the service: another is tried, on another folder.
    for port in $(shuf -i 20000-32000 -n 5); do
        data=$folder/data-$port
        : >"$folder/out"
        "$KDP" sandbox --listen "127.0.0.1:$port" --data "$data" "${where[@]}" --crypto "$crypto" >"$folder/out" 2>"$folder/log" &
        sandbox=$!
        for _ in $(seq 300); do
            first=$(head -1 "$folder/out")
            [[ -n $first ]] && break 2
            kill -0 "$sandbox" 2>/dev/null || break
            sleep 0.1
        done
        grep -qiE 'in use|AddrInUse' "$folder/log" || break
    done
    [[ $first == "ready http://127.0.0.1:$port/shep/sync" ]] || fail "the sandbox did not start: $(tail -3 "$folder/log")"
    url=${first#ready } base=http://127.0.0.1:$port
    [[ -z ${STATE:-} || ! -e $data/kdp.db ]] || fail "the state is in a file, and not in the database that was named"
    hold_crypto
}

# What the peers of the stories and the service sign with, read from the messages themselves.
hold_crypto() {
    local peer kinds=''
    for peer in bank newcomer owner egov; do
        "$KDP" send --url "$url" --as "$peer" --service-id KDP_LIST_TO_REVOKE --print >"$folder/asked"
        kinds+="$peer $(kind_of "$folder/asked"), "
        curl -sS --data-binary @"$folder/asked" -H 'Content-Type: text/xml; charset=utf-8' "$url" >"$folder/answered"
        # Peers of other roles are answered by a fault, which is not signed.
        [[ $peer != bank ]] || kinds+="service $(kind_of "$folder/answered"), "
    done
    kinds=${kinds%, }
    case $crypto in
        rsa) [[ $kinds != *gost* ]] ;;
        gost) [[ $kinds != *rsa* && $kinds == *"egov gost34310"* && $kinds == *"service gostr34102015"* ]] ;;
        *) [[ $kinds == *"bank rsa"* && $kinds == *"newcomer gost"* && $kinds == *"service gost"* ]] ;;
    esac || fail "with --crypto $crypto the signatures are: $kinds"
    [[ $crypto == rsa ]] || echo "Signed by: $kinds"
}

kind_of() {
    grep -o 'SignatureMethod Algorithm="[^"]*"' "$1" | sed -E 's/.*[:#]([a-z0-9]+)-.*/\1/'
}

close_stage() {
    local ended=$?
    kill "${sandbox:-0}" 2>/dev/null && wait "$sandbox" 2>/dev/null || true
    rm -rf "$folder"
    if ((ended == 0)); then
        echo "told in $((SECONDS - began)) s, $steps steps"
    fi
}

# --- what is said to the service, and what it answers -----------------------------------------------

send() {
    local peer=$1
    shift
    code=0
    answer=$("$KDP" send --url "$url" --as "$peer" "$@" 2>"$folder/said") || code=$?
    answer+=$'\n'$(<"$folder/said")
    [[ $code -lt 2 ]] || fail "kdp send --as $peer: exit $code"
    grep -q '^signature  *verified' <<<"$answer" || fail "the answer to $peer is not signed by the service"
}

run() {
    code=0
    answer=$("$KDP" "$@" --data "$data" 2>&1) || code=$?
}

noticed() {
    sleep 1.2
}

value() {
    awk -v name="$1" '$1 == name { $1 = ""; sub(/^ /, ""); print; exit }' <<<"$answer"
}

is() {
    local came
    came=$(value "$1")
    [[ $came == "$2" ]] || fail "$1 is «$came», not «$2»"
}

exits() {
    [[ $code -eq $1 ]] || fail "exit $code, not $1"
}

post() {
    curl -sS --fail-with-body -H 'Content-Type: application/json' -d "$2" "$base$1"
}

now() {
    curl -sS "$base/sandbox/clock" | sed -E 's/.*"now":"([^"]+)".*/\1/'
}

set_clock() {
    post /sandbox/clock "{\"set\":\"$1\"}" >"$folder/clock"
}

advance() {
    post /sandbox/clock "{\"advance\":\"$1\"}" >"$folder/clock"
}

# The day after DATE, its morning.
morning_after() {
    date -u -d "$1 + 1 day" +%Y-%m-%dT09:00:00+05:00
}
