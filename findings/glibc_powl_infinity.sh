#!/usr/bin/env bash
# glibc: powl of minus infinity to the power of -2^63 is infinite.
#
# glibc 2.41 (Debian 13, libc6 2.41-12+deb13u5), x86-64, long double of 80 bits. powl(-INFINITY, y) for y = -2^62, -2^63
# and -2^64, all of them even and negative; pow(-INFINITY, -2^63) beside it.
# Expected: 0, as C (annex F) and IEEE 754 say of a base of minus infinity and an even negative exponent.
# Seen: 0, inf, 0; pow gives 0. So who holds results against long double has to take care of this one exponent.
#
# Run as root on Linux (x86-64) with debootstrap: it makes a Debian 13 root in a temporary folder. Exit 0: as seen; 1: it
# changed.
set -euo pipefail
[[ $(id -u) == 0 ]] || { echo "needs root, for debootstrap"; exit 69; }
[[ $(uname -m) == x86_64 ]] || { echo "needs x86-64, for its long double"; exit 69; }
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
  libc6=2.41-12+deb13u5 libc6-dev=2.41-12+deb13u5 gcc" >/dev/null 2>&1 || { echo "the pinned packages are not to be had"; exit 69; }

cat >"$root/tmp/powl.c" <<'C'
#include <math.h>
#include <stdio.h>
/* volatile, or the compiler computes it. */
static volatile long double base = -INFINITY;
static volatile double short_base = -INFINITY, exponent = -0x1p63;
int main(void) {
  volatile long double even[] = {-0x1p62L, -0x1p63L, -0x1p64L};
  for (int i = 0; i < 3; ++i) printf("%Lg ", powl(base, even[i]));
  printf("%g\n", pow(short_base, exponent));
  return 0;
}
C
chroot "$root" sh -euc 'gcc -O0 -o /tmp/powl /tmp/powl.c -lm'
seen=$(chroot "$root" /tmp/powl)
echo "powl of -2^62, -2^63, -2^64, then pow of -2^63: $seen"
[[ $seen == "0 inf 0 0" ]] || { echo "CHANGED: expected \"0 inf 0 0\""; exit 1; }
echo "as seen"
