// Tests child processes: output, exit codes, signals, time limits.
#include "core/process.hpp"

#include "catch.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"

using assay::describe_end;
using assay::process_limits;
using assay::process_result;
using assay::run_process;

TEST_CASE("both streams and the exit code come back") {
  const process_result result = run_process({"sh", "-c", "echo out; echo err >&2; exit 3"});
  CHECK(result.out == "out\n");
  CHECK(result.err == "err\n");
  CHECK(result.exit_code == 3);
  CHECK(describe_end(result) == "exit code 3");
}

TEST_CASE("more output than a pipe holds does not block, and is cut at the limit") {
  process_limits limits;
  limits.output_bytes = 100;
  const process_result result =
      run_process({"sh", "-c", "head -c 300000 /dev/zero; echo done >&2"}, limits);
  CHECK(result.out.size() == 100);
  CHECK(result.err == "done\n");
}

TEST_CASE("a signal is told apart from an exit code") {
  const process_result result = run_process({"sh", "-c", "kill -SEGV $$"});
  CHECK(result.exit_code == -1);
  CHECK(describe_end(result) == "signal 11 (SIGSEGV)");
}

TEST_CASE("the time limit ends the child and what it started") {
  process_limits limits;
  limits.seconds = 0.2;
  const process_result result =
      run_process({"sh", "-c", "echo begun; sleep 30 & sleep 30"}, limits);
  CHECK(result.timed_out);
  CHECK(result.out == "begun\n");
  CHECK(result.seconds < 20);
}

TEST_CASE("a grandchild that keeps the pipe open is not waited for") {
  const process_result result = run_process({"sh", "-c", "sleep 5 & echo quick"});
  CHECK(result.out == "quick\n");
  CHECK(result.seconds < 4);
}

TEST_CASE("environment entries replace those of the same name") {
  const process_result result = run_process({"sh", "-c", "echo $ASSAY_PROBE $HOME"}, {},
                                            {"ASSAY_PROBE=yes", "HOME=/nowhere"});
  CHECK(result.out == "yes /nowhere\n");
}

TEST_CASE("a program that is not there is an error that names it") {
  CHECK_THROWS_WITH(run_process({"/no/such/program"}),
                    "/no/such/program: cannot start the program: No such file or directory");
}

TEST_CASE("a cancel request ends the child") {
  assay::request_cancel();
  CHECK_THROWS_AS(run_process({"sleep", "30"}), assay::error);
  assay::clear_cancel();
  CHECK_FALSE(assay::cancel_requested());
}
