. /cases/lib.sh
export GIT_AUTHOR_DATE='2024-01-01T00:00:00Z' GIT_COMMITTER_DATE='2024-01-01T00:00:00Z' HOME=/tmp
git config --global user.name Test; git config --global user.email test@example.org
git config --global init.defaultBranch main; git config --global gc.auto 0
mkdir /tmp/repo && cd /tmp/repo
git init -q
for i in $(seq 30); do
    mkdir -p "d$((i % 5))"; seq "$i" $((i * 50)) >"d$((i % 5))/f$i"
    git add -A; git commit -q -m "commit $i"
done
is "30 commits" 30 "$(git rev-list --count HEAD)"
git clone -q /tmp/repo /tmp/clone
is "clone" "$(git rev-parse HEAD)" "$(git -C /tmp/clone rev-parse HEAD)"
git clone -q --no-local --bare file:///tmp/repo /tmp/bare.git
is "clone by upload-pack" "30" "$(git -C /tmp/bare.git rev-list --count main)"
cd /tmp/clone
git checkout -q -b side; echo side >side; git add side; git commit -q -m side
git checkout -q main; echo main >main; git add main; git commit -q -m main
git merge -q -m merged side
is "merge" "2" "$(git cat-file -p HEAD | grep -c ^parent)"
git push -q /tmp/bare.git main
is "push" "$(git rev-parse main)" "$(git -C /tmp/bare.git rev-parse main)"
git rebase -q --onto main~1 main~1 side 2>/dev/null
is "log" "1" "$(git log --oneline --grep '^side$' side -- | wc -l)"
git gc -q --prune=now
is "gc leaves one pack" "1" "$(ls .git/objects/pack/*.pack | wc -l)"
is "fsck" "" "$(git fsck --full --strict 2>&1 | grep -v '^Checking\|^notice' || true)"
is "grep, in threads" "30" "$(git grep -l '^50$' main -- 'd*' | wc -l)"
is "stash" "1" "$(echo x >>main; git stash -q; git stash list | grep -c WIP)"
is "archive" "main" "$(git archive main | tar -t | grep -x main)"
is "bisect" "commit 17" "$(git bisect start main~1 main~25 >/dev/null 2>&1; git bisect run sh -c '! test -e d2/f17' >/dev/null 2>&1; git log -1 --format=%s bisect/bad)"
is "a hook runs" "hooked" "$(git bisect reset -q 2>/dev/null; git checkout -qf main; printf '#!/bin/sh\necho hooked >/tmp/hooked\n' >.git/hooks/pre-commit; chmod +x .git/hooks/pre-commit; git commit -q --allow-empty -m h; cat /tmp/hooked)"
is "status" "?? new" "$(echo >new; git status --porcelain)"
complete
