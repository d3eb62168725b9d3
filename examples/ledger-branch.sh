#!/bin/sh
# Keep the ledger on a branch of a private repository: for CI runners that have no disk of their own.
#
#   sh ledger-branch.sh take     fetch the ledger, and lock the branch: nobody else may send until it is given back
#   sh ledger-branch.sh give     back the ledger up to the branch, and unlock it
#   sh ledger-branch.sh unlock   after a run that died: you have seen at the relay whom it mailed
#
# LEDGER_REMOTE is the repository, LEDGER_BRANCH the branch (newsletter-ledger), LEDGER_DIR a folder for it (.ledger).
# Run it where newsletter.toml is. Exits with 4 where another run has the lock. The repository must be private: the
# ledger has your readers' addresses. Anything else in it, such as subscribers.csv, stays as it is.
set -eu

: "${LEDGER_REMOTE:?set LEDGER_REMOTE to the address of a private repository}"
branch=${LEDGER_BRANCH:-newsletter-ledger}
dir=${LEDGER_DIR:-.ledger}

in_ledger() { git -C "$dir" -c user.name=newsletter -c user.email=newsletter@localhost "$@"; }

# One commit is all the history there is: old ledgers would keep the addresses of those who have left.
# The lease makes it a lock: of two runs that saw the same commit, one may push.
push() {
  in_ledger add --all
  if [ -n "$seen" ]; then in_ledger commit --quiet --amend --allow-empty -m "$1"; else in_ledger commit --quiet --allow-empty -m "$1"; fi
  in_ledger push --quiet --force-with-lease="$branch:$seen" origin "HEAD:refs/heads/$branch"
}

fetch() {
  rm -rf "$dir"
  git init --quiet "$dir"
  in_ledger checkout --quiet -b "$branch"
  in_ledger remote add origin "$LEDGER_REMOTE"
  seen=$(in_ledger ls-remote origin "refs/heads/$branch" | cut -f 1)
  if [ -n "$seen" ]; then
    in_ledger fetch --quiet --depth 1 origin "refs/heads/$branch"
    in_ledger reset --quiet --hard FETCH_HEAD
    seen=$(in_ledger rev-parse HEAD)
  fi
}

case ${1:-} in
  take)
    fetch
    if [ -e "$dir/LOCK" ]; then
      echo "ledger-branch: locked by: $(cat "$dir/LOCK"); another run is sending, or one died: see what it mailed at" \
        "the relay, then run: sh ledger-branch.sh unlock" >&2
      rm -rf "$dir"
      exit 4
    fi
    echo "${GITHUB_RUN_ID:-$$} on $(uname -n), $(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$dir/LOCK"
    if ! push "locked"; then
      echo "ledger-branch: another run was faster, or the branch cannot be written; nobody was mailed" >&2
      rm -rf "$dir"
      exit 4
    fi
    if [ -e "$dir/newsletter.db" ]; then newsletter ledger restore "$dir/newsletter.db" --yes; fi
    ;;
  give)
    seen=$(in_ledger rev-parse HEAD)
    if [ -e "${LEDGER_FILE:-newsletter.db}" ]; then newsletter ledger backup "$dir/newsletter.db"; fi
    rm -f "$dir/LOCK"
    push "the ledger"
    ;;
  unlock)
    fetch
    rm -f "$dir/LOCK"
    push "unlocked"
    ;;
  *)
    echo "usage: sh ledger-branch.sh take|give|unlock" >&2
    exit 2
    ;;
esac
