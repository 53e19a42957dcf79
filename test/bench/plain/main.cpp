// Runs one op as plain loops and says how long it took.
//
//   plain_bench OP SECONDS RESULT SIZE,... OPERAND ...
//
// Each OPERAND is a file of elements of four bytes. Rounds are run until SECONDS are over, at most nine and at least
// one; the first is left out where there are others. Prints the median in microseconds and writes the results, one
// behind the other, to the file RESULT. The sizes are what the op needs to know beside its operands' lengths: see the
// loops.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "bench/plain/loops.h"

namespace gpu_node::bench {
namespace {

constexpr size_t kRounds = 9;

[[noreturn]] void fail(const char* what, const char* which) {
  std::fprintf(stderr, "plain_bench: %s %s\n", what, which);
  std::exit(1);
}

const Loop* find(std::string_view name) {
  for (const auto loops : {element_loops(), move_loops(), window_loops(), matrix_loops(), factor_loops()})
    for (const Loop& loop : loops)
      if (loop.name == name) return &loop;
  return nullptr;
}

Elements read(const char* path) {
  std::FILE* file = std::fopen(path, "rb");
  if (file == nullptr) fail("cannot read", path);
  std::fseek(file, 0, SEEK_END);
  Elements elements(static_cast<size_t>(std::ftell(file)) / sizeof(Element));
  std::rewind(file);
  const bool whole = std::fread(elements.data(), sizeof(Element), elements.size(), file) == elements.size();
  std::fclose(file);
  if (!whole) fail("cannot read", path);
  return elements;
}

void write(const char* path, const std::vector<Elements>& results) {
  std::FILE* file = std::fopen(path, "wb");
  if (file == nullptr) fail("cannot write", path);
  bool whole = true;
  for (const Elements& result : results)
    whole &= std::fwrite(result.data(), sizeof(Element), result.size(), file) == result.size();
  if (std::fclose(file) != 0 || !whole) fail("cannot write", path);
}

double timed(const Loop& loop, Job& job) {
  const auto started = std::chrono::steady_clock::now();
  loop.run(job);
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - started).count();
}

double median_of_rounds(const Loop& loop, Job& job, double seconds) {
  std::vector<double> times;
  double spent = 0;
  while (times.empty() || (times.size() < kRounds && spent < seconds * 1e6)) {
    times.push_back(timed(loop, job));
    spent += times.back();
  }
  if (times.size() > 1) times.erase(times.begin());
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

void run(int count, char** arguments) {
  if (count < 5) fail("takes", "OP SECONDS RESULT SIZE,... OPERAND ...");
  const Loop* loop = find(arguments[1]);
  if (loop == nullptr) fail("has no loop", arguments[1]);
  Job job;
  for (const char* at = arguments[4]; *at != '\0';) {
    char* end = nullptr;
    job.sizes.push_back(std::strtoll(at, &end, 10));
    if (end == at) fail("takes sizes, not", arguments[4]);
    at = *end == ',' ? end + 1 : end;
  }
  for (int i = 5; i < count; ++i) job.operands.push_back(read(arguments[i]));
  const double us = median_of_rounds(*loop, job, std::strtod(arguments[2], nullptr));
  write(arguments[3], job.results);
  std::printf("%.3f\n", us);
}

}  // namespace
}  // namespace gpu_node::bench

int main(int count, char** arguments) { gpu_node::bench::run(count, arguments); }
