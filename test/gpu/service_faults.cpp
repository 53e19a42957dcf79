// The device lost or hung: who waits is told, and the process ends with 75 within the watchdog's limit. Each in a child
// process, this program again with GPU_NODE_FAULT set.
#include <doctest/doctest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "gpu/service_client.h"

extern char** environ;

namespace gpu_node::test {
namespace {

constexpr int kToldAndEnded = 75;
constexpr int64_t kWatchdogMs = 1000;

// Runs the test case |name| of this program with |fault|; its exit code, or -1.
int run_child(const std::string& name, const std::string& fault) {
  const std::string filter = "-tc=" + name;
  std::vector<std::string> variables;
  for (char** v = environ; *v; ++v)
    if (std::string(*v).rfind("GPU_NODE_FAULT=", 0) != 0) variables.emplace_back(*v);
  variables.push_back("GPU_NODE_FAULT=" + fault);
  std::vector<char*> environment;
  for (std::string& v : variables) environment.push_back(v.data());
  environment.push_back(nullptr);
  std::string program = "/proc/self/exe", no_skip = "--no-skip", filter_argument = filter;
  char* arguments[] = {program.data(), filter_argument.data(), no_skip.data(), nullptr};
  pid_t pid = 0;
  if (::posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments, environment.data()) != 0) return -1;
  for (int waited_ms = 0; waited_ms < 60'000; waited_ms += 20) {
    int status = 0;
    if (::waitpid(pid, &status, WNOHANG) == pid) return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return -1;
}

// In the child: three callers wait when the device fails; ends the process as gpu_node does once all were told.
void wait_for_the_fault() {
  const auto peer = std::make_shared<Peer>("a@test");
  std::unique_ptr<Client> client;
  std::vector<uint64_t> waiting;
  service::ServiceOptions options;
  options.watchdog_ms = kWatchdogMs;
  std::atomic<bool> ready{false};
  options.on_device_failure = [&](const std::string& why) {
    while (!ready) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    int told = 0;
    for (const uint64_t tag : waiting) {
      const Reply reply = client->await(tag, 2000);
      told += reply.code == "device_lost" && reply.message.find("the process restarts") != std::string::npos;
    }
    std::printf("%s: %d told\n", why.c_str(), told);
    std::fflush(stdout);
    ::_exit(told == static_cast<int>(waiting.size()) ? kToldAndEnded : 1);
  };
  const auto service = make_service(std::move(options));
  client = std::make_unique<Client>(*service, peer);
  if (!client->open().ok()) ::_exit(2);
  client->run(Commands().alloc(1, "f32", {4}).op("negate", 2, "f32", {4}, {1}));
  for (int i = 0; i < 3; ++i) waiting.push_back(client->send_call(client->download_request(2, 0, -1)));
  ready = true;
  std::this_thread::sleep_for(std::chrono::seconds(20));
  ::_exit(3);
}

}  // namespace

TEST_CASE("service fault child" * doctest::skip()) { wait_for_the_fault(); }

TEST_CASE("service: a lost device is told to all who wait, and ends the process with 75") {
  CHECK(run_child("service fault child", "device_lost:1") == kToldAndEnded);
}

TEST_CASE("service: a hung device trips the watchdog, near its limit") {
  const auto began = std::chrono::steady_clock::now();
  CHECK(run_child("service fault child", "hang:1") == kToldAndEnded);
  const auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count();
  CHECK(took >= kWatchdogMs);
}

TEST_CASE("service fault out of memory child" * doctest::skip()) {
  const auto service = make_service();
  Client client(*service, std::make_shared<Peer>("a@test"));
  REQUIRE(client.open().ok());
  client.run(
      Commands().alloc(1, "f32", {4}).alloc(2, "f32", {4}).op("add", 3, "f32", {4}, {1, 2}).alloc(4, "f32", {4}));
  if (client.download(2).code != "out_of_memory" || client.download(3).code != "out_of_memory") ::_exit(1);
  if (client.floats(1).size() != 4 || client.floats(4).size() != 4) ::_exit(1);
  ::_exit(42);
}

TEST_CASE("service: an allocation that the device refuses poisons what it was for, and nothing else") {
  CHECK(run_child("service fault out of memory child", "out_of_memory:2") == 42);
}

}  // namespace gpu_node::test
