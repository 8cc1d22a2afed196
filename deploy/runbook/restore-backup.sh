#!/usr/bin/env bash
# Puts a backup in the place of the database: restore-backup.sh BACKUP
#
# The service is stopped meanwhile. The database of before is kept beside, under a name that is told. What was decided
# after the backup is not in it: see "After a restore" in runbook.md.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ $# -eq 1 && -f $1 ]] || fail 'give the backup: restore-backup.sh /backup/kdp-2026-11-22.db'

say 'stopping the service'
$STOP
say 'restoring'
if ! kdp restore "$1" --replace; then
    say 'nothing was replaced: the service goes on with what it had'
    $START
    wait_until_ready
    fail 'the backup was refused'
fi
# A backup of the version before is brought to this one.
kdp migrate
say 'looking through what was restored'
kdp journal verify
kdp check || fail 'kdp check names what stands in the way of a start'
say 'starting the service'
$START
wait_until_ready
say 'done: the service is ready'
