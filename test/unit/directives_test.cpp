// tools/directives: options that stand in scripts.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include <doctest/doctest.h>

#include "tools/commands.hpp"
#include "tools/directives.hpp"

using namespace hactor;
using namespace hactor::tools;

namespace {

/// The options as "name=value ..", warnings after them, or the error.
std::string read(std::string_view script) {
  auto d = read_directives(script, batch_command);
  if (!d) {
    CHECK(code_of(d.error()) == ec::bad_argument);
    return context_of(d.error());
  }
  std::string all;
  for (auto& [option, value] : d->values)
    all += (all.empty() ? "" : " ") + std::string{option->name} + "=" + value;
  for (auto& text : d->warnings)
    all += " | " + text;
  return all;
}

} // namespace

TEST_SUITE("unit") {

  TEST_CASE("directives stand behind any mark of a comment") {
    CHECK(read("#!/bin/sh\n# hactor: -N 4 -c2\n# Set the name:\n#hactor\n\n# hactor: -J x\nrun\n")
          == "nodes=4 cores-per-task=2 job-name=x");
    CHECK(read("#!/bin/sh\n#FLUX: -N4   # Request four nodes\n#FLUX: --queue=batch\nrun")
          == "nodes=4 queue=batch");
    CHECK(read("#!/usr/bin/lua\n--\n-- flux: -N1 --exclusive\n-- flux: --output=job.out\nlocal x")
          == "nodes=1 exclusive= output=job.out");
    CHECK(read("#!p\ndef main():\n    \"\"\"\n    flux: -N4\n    flux: -J \"my job\"\n    \"\"\"\n")
          == "nodes=4 job-name=my job");
    CHECK(read("#!/bin/sh\n#HACTOR -N2\n#HACTOR --wrong-place-is-fine-in-comments\n")
          == "line 3: unknown option '--wrong-place-is-fine-in-comments'");
    CHECK(read("#!/bin/sh\n#HACTORY -N2\necho hactor: -N2\n") == "");
    CHECK(read("") == "");
  }

  TEST_CASE("texts of several lines, quotes and continued lines") {
    CHECK(read("# flux: --setattr=user.conf=\"\"\"\n# flux: [config]\n# flux:   item = \"foo\"\n"
               "# flux: \"\"\"\n")
          == "setattr=user.conf=[config]\n  item = \"foo\"\n");
    CHECK(read("# flux: --setattr=user.bar='''It's a \"job\"'''\n")
          == "setattr=user.bar=It's a \"job\"");
    CHECK(read("# hactor: -n 2 \\\n# hactor: -c 3\n") == "ntasks=2 cores-per-task=3");
  }

  TEST_CASE("a mistake is told of with the line of the script") {
    CHECK(read("#!/bin/sh\n\n# flux: -N4\necho\n# flux: -c2\n")
          == "line 5: the directive '# flux: -c2' comes too late: directives end at the first line "
             "that does not begin with '#'");
    CHECK(read("# flux: -N4\n# hactor: -c2\n")
          == "line 2: the directives of a script begin alike: here with '# flux:', not with "
             "'# hactor:'");
    CHECK(read("# hactor: -N4\n# hactor: --job-nam=x\n")
          == "line 2: unknown option '--job-nam'; did you mean --job-name?");
    CHECK(read("# hactor: -N4\n# hactor: hello\n") == "line 2: 'hello' is no option");
    CHECK(read("# hactor: -N\n") == "line 1: option '-N' needs a value (N)");
    CHECK(read("#\n# hactor: -N4\n# hactor: -J \"x\n") == "line 3: the quote \" has no end");
    CHECK(read("#!/bin/sh\n# hactor: --help\n") == "line 2: --help stands on a command line");
  }

  TEST_CASE("Slurm's lines are read as far as they mean something here") {
    CHECK(read("#!/bin/bash\n#SBATCH -N 2 --ntasks-per-node=4\n#SBATCH --time=1:00:00\n"
               "#SBATCH --job-name=\"a b\" -p debug\n#SBATCH -A proj --export=NONE\n"
               "#SBATCH --open-mode=append -i in.txt\n\nsrun x\n")
          == "nodes=2 tasks-per-node=4 time-limit=1:00:00 job-name=a b queue=debug bank=proj "
             "env=-* setopt=output.mode=append input=in.txt");
    CHECK(read("#SBATCH --nice=10 --nice\n") == "nice-text=10 nice=");
    CHECK(read("#SBATCH --export=A,B=1\n") == "env=-* env=A env=B=1");
    CHECK(read("#SBATCH --export=ALL,B=1\n") == "env=B=1");
    CHECK(read("#SBATCH --mail-type=END -n 2\n#SBATCH --qos high\n")
          == "ntasks=2 | line 1: '--mail-type=END' has no meaning here and is left out | line 2: "
             "'--qos' has no meaning here and is left out");
    CHECK(read("#!/bin/sh\n#SBATCH -n 1\nx\n#SBATCH -n 2\n")
          == "ntasks=1 | line 4: '#SBATCH' after the first command is not read");
    CHECK(read("#SBATCH --frobnicate=3\n") == "line 1: unknown option '--frobnicate'");
    CHECK(read("#SBATCH -n 2\n# hactor: -n 3\n") == "ntasks=2 ntasks=3"); // the last one counts
  }

  TEST_CASE("a letter means in a line what it means to the system of the line") {
    auto ignored = [](const std::string& words, const std::string& said) {
      return read("#SBATCH " + words + " -n2\n")
             == "ntasks=2 | line 1: '" + said + "' has no meaning here and is left out";
    };
    for (std::string word : {"-qnormal", "-B2:4:1", "-S2", "-O", "-k", "-Lmatlab", "-v"})
      CHECK(ignored(word, word));
    for (std::string words : {"-q normal", "-B 2:4:1", "-S 2", "-m cyclic", "-F hosts"})
      CHECK(ignored(words, words.substr(0, 2)));
    CHECK(read("#SBATCH -x n2 -a 1-3\n#SBATCH -xn3 -a1-9%2\n")
          == "exclude=n2 cc=1-3 exclude=n3 cc=1-9%2");
    CHECK(read("#SBATCH -HWn4 -o out -e err -D /tmp -w n1 -C big -d afterok:f1\n")
          == "hold= wait= ntasks=4 output=out error=err cwd=/tmp hosts=n1 requires=big "
             "dependency=afterok:f1");
    CHECK(read("#SBATCH -OzN2\n") == "line 1: unknown option '-z'");
    CHECK(read("#SBATCH -n\n") == "line 1: option '-n' needs a value");
    CHECK(read("#flux: -n4 -o cpu-affinity=per-task -o pty -lo mpi=none -q debug\n")
          == "ntasks=4 setopt=cpu-affinity=per-task setopt=pty label-io= setopt=mpi=none "
             "queue=debug");
    CHECK(read("#hactor: -o out -q debug\n") == "output=out queue=debug");
  }

  TEST_CASE("GPUs are said in Slurm's ways") {
    auto says = [](const std::string& words) { return read("#SBATCH " + words + "\n"); };
    CHECK(says("--gres=gpu") == "gpus-per-node=1");
    CHECK(says("--gres=gpu:2") == "gpus-per-node=2");
    CHECK(says("--gres gpu:a100:2(S:0-1),nic:1") == "gpus-per-node=2");
    CHECK(says("--gres=nic:1")
          == " | line 1: '--gres=nic:1' has no meaning here and is left out");
    CHECK(says("-G v100:4") == "gpus=4");
    CHECK(says("--gpus-per-task=a100:1 -n2") == "ntasks=2 gpus-per-task=1");
    CHECK(says("-n 4 --gpus=1") == "ntasks=4 nodes=1 gpus-per-node=1");
    CHECK(says("-n 4 --gpus=4 --cpus-per-gpu=3") == "ntasks=4 cores-per-task=3 gpus=4");
    CHECK(says("-N 2 --gres=gpu:2 --ntasks-per-gpu=2")
          == "nodes=2 ntasks=8 gpus-per-node=2");
    CHECK(says("-n 8 --ntasks-per-gpu=2") == "ntasks=8 nodes=1 gpus-per-node=4");
    CHECK(says("--ntasks-per-gpu=2")
          == " | line 1: '--ntasks-per-gpu=2' has no meaning here and is left out");
  }

  TEST_CASE("what means nothing here is never refused") {
    for (std::string word :
         {"--time-min=5", "--no-kill", "--no-kill=off", "--mem-bind=local", "--cpu-freq=high",
          "--contiguous", "--mincpus=4", "--deadline=now+1hour", "--priority=9", "--x11",
          "--x11=all", "--exclusive=user", "--cpu-bind=map_cpu:0,1", "--gpu-bind=closest"})
      CHECK(read("#SBATCH " + word + "\n")
            == " | line 1: '" + word + "' has no meaning here and is left out");
    CHECK(read("#SBATCH --exclusive --cpu-bind=verbose,cores --gpu-bind=none\n")
          == "exclusive= cpu-affinity=per-task gpu-affinity=off");
  }
}
