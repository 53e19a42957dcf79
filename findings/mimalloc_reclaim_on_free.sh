#!/usr/bin/env bash
# mimalloc 3.0.1: memory that one thread allocates and two others free is not used again.
#
# mimalloc 3.0.1 (Debian 13, libmimalloc3 3.0.1+ds-2.1). Each of 400 rounds, thread A allocates 150 blocks of 32,752 bytes,
# B, which has a block of that size of its own, frees a third of them and C the rest: nothing is live after a round.
# Expected: the rounds use the same memory again, a few MiB in all.
# Seen: every round leaves memory behind, more than a GiB after 400, without bound. A page that A has filled belongs to
# nobody; with the option reclaim_on_free, which is on by default in this version, B takes it for its own heap when it
# frees the first block of it, and what C frees later waits on a list of the page at which B has no reason to look.
# With MIMALLOC_RECLAIM_ON_FREE=0, the default of later versions, the same rounds end at a few MiB.
#
# Run as root on Linux with debootstrap: it makes a Debian 13 root in a temporary folder. Exit 0: as seen; 1: it changed.
set -euo pipefail
[[ $(id -u) == 0 ]] || { echo "needs root, for debootstrap"; exit 69; }
command -v debootstrap >/dev/null || { echo "needs debootstrap"; exit 69; }
root=$(mktemp -d)
trap 'umount "$root/proc" 2>/dev/null || true; rm -rf --one-file-system "$root"' EXIT
mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | sed -n '1s/ *$//p' || true)
debootstrap --variant=minbase trixie "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 || { tail -n 20 "$root.log"; exit 69; }
rm -f "$root.log"
cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
mount -t proc proc "$root/proc"
chroot "$root" sh -euc "apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
  libmimalloc3=3.0.1+ds-2.1 libmimalloc-dev=3.0.1+ds-2.1 gcc libc6-dev" >/dev/null 2>&1 || { echo "the pinned packages are not to be had"; exit 69; }

cat >"$root/tmp/rounds.c" <<'C'
#include <mimalloc.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { kBlocks = 150, kBytes = 32752, kRounds = 400 };
static void* blocks[kBlocks];
static pthread_barrier_t turn;

static long resident_mib(void) {
  long all = 0, resident = 0;
  FILE* file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%ld %ld", &all, &resident) != 2) resident = 0;
  if (file != NULL) fclose(file);
  return resident / 256;
}

/* 0 allocates, 1 frees a third, 2 the rest; each in its turn. */
static void* work(void* argument) {
  const long who = (long)argument;
  void* const own = who == 1 ? mi_malloc(kBytes) : NULL;
  for (int round = 0; round < kRounds; ++round)
    for (long now = 0; now < 3; ++now) {
      for (int i = 0; i < kBlocks && now == who; ++i) {
        if (who == 0) memset(blocks[i] = mi_malloc(kBytes), 1, kBytes);
        if (who != 0 && (i % 15 < 5) == (who == 1)) mi_free(blocks[i]);
      }
      pthread_barrier_wait(&turn);
    }
  mi_free(own);
  return NULL;
}

int main(void) {
  pthread_t threads[3];
  pthread_barrier_init(&turn, NULL, 3);
  for (long i = 0; i < 3; ++i) pthread_create(&threads[i], NULL, work, (void*)i);
  for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
  printf("%d %ld\n", mi_version(), resident_mib());
  return 0;
}
C
chroot "$root" sh -euc 'gcc -O1 -o /tmp/rounds /tmp/rounds.c -lmimalloc -lpthread'
read -r version kept < <(chroot "$root" /tmp/rounds)
read -r _ without < <(chroot "$root" env MIMALLOC_RECLAIM_ON_FREE=0 /tmp/rounds)
echo "mimalloc $version: $kept MiB resident after rounds that free all; $without MiB without reclaim_on_free"
[[ $version == 301 && $kept -gt 500 && $without -lt 100 ]] || { echo "CHANGED: expected 301, above 500 and below 100"; exit 1; }
echo "as seen"
