#!/bin/sh
# Plans a pull request, with roles that may only look.
#
#   plan.sh [options of plan]
#
# Run it in the directory of the configuration, after init. TF names the core: terraform unless set.
#
#   0  nothing would change
#   2  something would change
#   1  the plan failed
#
# Needs a POSIX shell and the core, nothing else.
set -eu

TF=${TF:-terraform}

# A renewal that is due is the night's affair, and nobody's pull request is held up by a cluster that cannot be read.
export ISTIOPCA_RENEWALS=warn
export TF_VAR_refresh_failure=warn

# Who may only look cannot take the lock either.
code=0
"$TF" plan -input=false -lock=false -detailed-exitcode "$@" || code=$?
case $code in
  0) echo "plan: nothing would change" ;;
  2) echo "plan: this would change something" ;;
  *)
    echo "plan: it failed" >&2
    code=1
    ;;
esac
exit "$code"
