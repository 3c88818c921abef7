#!/bin/sh
# Plans, and applies by itself where all that would change are renewals. Anything else is held for a
# person.
#
#   nightly.sh [options of plan]
#
# Run it in the directory of the configuration, after init. TF names the core: terraform unless set.
#
#   0  nothing to do, or renewed
#   2  held: there is work for a person
#   1  something failed
#
# Needs a POSIX shell and the core, nothing else.
set -eu

TF=${TF:-terraform}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

# A plan holds whatever the state holds.
umask 077
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

code=0
"$TF" plan -input=false -detailed-exitcode "$@" -out="$scratch/plan" || code=$?
case $code in
  0)
    echo "nightly: nothing to do"
    exit 0
    ;;
  2) ;;
  *)
    echo "nightly: the plan failed" >&2
    exit 1
    ;;
esac

"$TF" show -json "$scratch/plan" >"$scratch/plan.json" || exit 1
cp "$here/judge/main.tf" "$scratch/main.tf"
verdict=$(
  unset TF_WORKSPACE TF_DATA_DIR TF_CLI_ARGS TF_CLI_ARGS_console
  cd "$scratch"
  echo local.verdict | "$TF" console -var "plan=$scratch/plan.json"
) || exit 1

case $verdict in
  '"renew: '*)
    echo "nightly: $verdict"
    "$TF" apply -input=false "$scratch/plan" || exit 1
    ;;
  '"hold: '*)
    echo "nightly: $verdict"
    exit 2
    ;;
  *)
    echo "nightly: the plan could not be judged: $verdict" >&2
    exit 1
    ;;
esac
