// The exit codes of gpu_node, as --help lists them (sysexits.h has the numbers).
#pragma once

namespace gpu_node {

enum ExitCode : int {
  kExitOk = 0,
  kExitUsage = 64,       // unknown command or flag
  kExitNoDevice = 69,    // no Vulkan loader, driver or device; status: no node answers
  kExitInternal = 70,    // a defect
  kExitCannotJoin = 73,  // the name is taken, the address cannot be listened on, epmd cannot be reached
  kExitDeviceLost = 75,  // the device is lost or hung: start the process again
  kExitCookie = 77,      // no cookie, or one that others can read
  kExitConfig = 78,      // a bad configuration: starting again does not help
};

}  // namespace gpu_node
