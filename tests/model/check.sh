#!/bin/sh
# Verifies the protocol model over its whole state space, then shows that every broken variant of it is caught.
# Exit 0: all as expected; 1: not; 77: spin or gcc is missing (ctest takes that for "skipped").
# Usage: check.sh [--long] [spin-executable]; --long adds three intents (12 million states, minutes).
set -u
broken_rule=
long=no
if [ "${1:-}" = --long ]; then
  long=yes
  shift
fi
spin=${1:-spin}
model=$(cd "$(dirname "$0")" && pwd)/reversal.pml
if ! command -v "$spin" >/dev/null 2>&1 || ! command -v gcc >/dev/null 2>&1; then
  echo "skipped: the model needs spin and gcc"
  exit 77
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0

# run NAME SPIN_FLAGS GCC_FLAGS PAN_FLAGS: leaves the verdict in $errors, the states in $states.
run() {
  rm -f pan pan.* ./*.trail
  # shellcheck disable=SC2086
  if ! "$spin" -a $2 "$model" >spin.out 2>&1 || ! gcc -w -DVECTORSZ=2048 $3 -o pan pan.c >gcc.out 2>&1; then
    cat spin.out gcc.out 2>/dev/null
    errors=broken
    return
  fi
  # shellcheck disable=SC2086
  ./pan -m1000000 $4 >pan.out 2>&1
  errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' pan.out)
  states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.out)
  broken_rule=$(sed -n 's/^pan:1: assertion violated \(.*\) (at depth.*/: \1/p' pan.out)
  # A search that gave up has shown nothing.
  grep -q 'max search depth too small\|out of memory\|aborted' pan.out && errors=incomplete
}

expect() { # NAME WANTED, where WANTED is "none" or "some"
  case "$2:${errors:-broken}" in
    none:0 | some:[1-9]*) echo "ok      $1: errors ${errors}, states ${states:-?}${broken_rule}" ;;
    *)
      echo "FAILED  $1: errors ${errors:-broken}, wanted $2"
      cat pan.out 2>/dev/null
      failed=1
      ;;
  esac
}

safety="-DNOCLAIM -DSAFETY -O1"
run protocol "" "$safety" ""
expect "protocol, 2 intents, 2 crashes: at most once, one true answer" none
run protocol "-DCRASHES=3" "$safety" ""
expect "protocol, 2 intents, 3 crashes: at most once, one true answer" none
if [ $long = yes ]; then
  run protocol "-DN=3 -DCRASHES=1" "$safety" ""
  expect "protocol, 3 intents, 1 crash: at most once, one true answer" none
fi
run protocol "-DCRASHES=1" "-DNFAIR=6 -O1" "-a -f -N answered"
expect "protocol, 2 intents, 1 crash: every intent is answered in the end" none

for variant in RESEND BELIEVE_NOT_FOUND FORGET_GRACE JOURNAL_AFTER_SEND REJECT_ON_TIMEOUT FREE_ON_UNKNOWN \
  TELL_BEFORE_RECORD FORGET_TAKEN VOID_AS_SENT; do
  run "$variant" "-D$variant" "-DNOCLAIM -DSAFETY -O0" ""
  expect "variant $variant is caught" some
done
# That a second execution is found by itself, not only through an answer that it makes untrue.
run RESEND "-DRESEND -DONLY_COUNT" "-DNOCLAIM -DSAFETY -O0" ""
expect "variant RESEND is caught by counting executions" some
exit $failed
