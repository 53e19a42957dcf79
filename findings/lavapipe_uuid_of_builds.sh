#!/usr/bin/env bash
# lavapipe: deviceUUID, driverUUID and driverVersion of two builds are the same; pipelineCacheUUID alone differs.
#
# Mesa 25.0.7 (Debian 13, mesa-vulkan-drivers 25.0.7-2+deb13u1), software Vulkan driver: what it says of itself, and what
# a build says whose Debian revision is the next one, as after a security update of the same upstream version. The
# archive keeps only one build at a time, so the other is a copy of the library in which the text of its version (three
# places) and the build's id in its note are changed, nothing else: it stands for what follows from those two alone, and
# not for the driverVersion of other code (which here is the number 1).
# Expected: driverUUID, which the specification calls an identifier of the driver's build, differs, or driverVersion; and
# deviceUUID, which must be the same for all versions of a driver, tells nothing of the version.
# Seen: driverUUID is the text "llvmpipeUUID" for all builds, and driverVersion 1. deviceUUID is "mesa" and the version's
# text, cut to fifteen characters: it changes with the upstream version, which it must not, and not with the revision of
# a security update. pipelineCacheUUID is the first sixteen characters of the version. So who names what a driver made
# by deviceUUID and driverVersion, or driverUUID, is given another build's.
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
  mesa-vulkan-drivers=25.0.7-2+deb13u1 libvulkan-dev=1.4.309.0-1 glslc=2025.2-1 gcc libc6-dev" >/dev/null 2>&1 || { echo "the pinned packages are not to be had"; exit 69; }

cat >"$root/tmp/uuids.c" <<'C'
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <vulkan/vulkan.h>
#define OK(call) do { VkResult r_ = (call); if (r_ != VK_SUCCESS) { fprintf(stderr, "%s: %d\n", #call, r_); exit(2); } } while (0)
static void uuid(const char* name, const uint8_t* bytes) {
  printf("%s ", name);
  for (int i = 0; i < VK_UUID_SIZE; ++i) printf("%02x", bytes[i]);
  printf(" ");
  for (int i = 0; i < VK_UUID_SIZE; ++i) putchar(isgraph(bytes[i]) ? bytes[i] : '_');
  printf("\n");
}
int main(void) {
  VkApplicationInfo app = {VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_2};
  VkInstanceCreateInfo ici = {VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app};
  VkInstance instance; OK(vkCreateInstance(&ici, 0, &instance));
  uint32_t n = 1; VkPhysicalDevice gpu; if (vkEnumeratePhysicalDevices(instance, &n, &gpu) < 0 || n == 0) return 2;
  VkPhysicalDeviceIDProperties id = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES};
  VkPhysicalDeviceDriverProperties driver = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES, &id};
  VkPhysicalDeviceProperties2 props = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &driver};
  vkGetPhysicalDeviceProperties2(gpu, &props);
  printf("driverInfo %s\ndriverVersion %u\n", driver.driverInfo, props.properties.driverVersion);
  uuid("deviceUUID", id.deviceUUID);
  uuid("driverUUID", id.driverUUID);
  uuid("pipelineCacheUUID", props.properties.pipelineCacheUUID);
  return 0;
}
C
cat >"$root/tmp/another.c" <<'C'
/* another FROM TO OLD NEW: a copy with another version's text, of equal length, and another build id */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char** argv) {
  static const char note[16] = {4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0};
  if (argc != 5 || strlen(argv[3]) != strlen(argv[4])) return 2;
  FILE* file = fopen(argv[1], "rb"); if (!file) return 2;
  fseek(file, 0, SEEK_END); size_t size = (size_t)ftell(file), length = strlen(argv[3]); rewind(file);
  char* bytes = malloc(size); if (!bytes || fread(bytes, 1, size, file) != size) return 2;
  fclose(file);
  int texts = 0, ids = 0;
  for (size_t i = 0; i + sizeof note + 20 <= size; ++i) {
    if (memcmp(bytes + i, argv[3], length) == 0) { memcpy(bytes + i, argv[4], length); ++texts; }
    if (memcmp(bytes + i, note, sizeof note) == 0) { bytes[i + sizeof note] ^= 1; ++ids; }
  }
  printf("%d texts of the version and %d build id changed\n", texts, ids);
  if (texts == 0 || ids != 1) return 2;
  file = fopen(argv[2], "wb"); if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) return 2;
  return 0;
}
C
chroot "$root" sh -eu <<'SH'
cd /tmp; gcc -O1 -o uuids uuids.c -lvulkan; gcc -O1 -o another another.c
library=$(dpkg -L mesa-vulkan-drivers | grep /libvulkan_lvp.so)
echo "the package:"; VK_DRIVER_FILES=/usr/share/vulkan/icd.d/lvp_icd.json ./uuids >package; cat package
# copy NAME VERSION
copy() {
  echo; echo "$1:"; ./another "$library" "/tmp/$1.so" 25.0.7-2+deb13u1 "$2"
  sed "s|\"library_path\": *\"[^\"]*\"|\"library_path\": \"/tmp/$1.so\"|" /usr/share/vulkan/icd.d/lvp_icd.json >"$1.json"
  VK_DRIVER_FILES=/tmp/$1.json ./uuids >"$1"; cat "$1"
}
copy next_revision 25.0.7-2+deb13u2
copy next_release 25.0.8-2+deb13u1
SH
of() { grep "^$2 " "$root/tmp/$1"; } # of BUILD VALUE: what that build says
echo
for build in next_revision next_release; do
  [[ $(of $build driverInfo) != "$(of package driverInfo)" ]] || { echo "$build does not show"; exit 2; }
done
for same in driverVersion driverUUID deviceUUID; do
  [[ $(of next_revision $same) == "$(of package $same)" ]] || { echo "changed: $same tells the two builds"; exit 1; }
done
[[ $(of next_revision pipelineCacheUUID) != "$(of package pipelineCacheUUID)" ]] || { echo "changed: pipelineCacheUUID is the same"; exit 1; }
[[ $(of next_release deviceUUID) != "$(of package deviceUUID)" ]] || { echo "changed: deviceUUID does not depend on the version"; exit 1; }
[[ $(of next_release driverUUID) == "$(of package driverUUID)" ]] || { echo "changed: driverUUID depends on the version"; exit 1; }
echo "of the next revision pipelineCacheUUID alone differs; of the next release deviceUUID too, driverUUID still does not"
