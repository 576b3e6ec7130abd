// The gateway's folders.
#include "tests/gateway/doctor/fake_machine.hpp"

namespace backhand::doctor {
namespace {

using Folder = FakeMachine;

TEST_F(Folder, HotIsATmpfsWithRoom) {
  put_good();
  expect("hot_dir", Level::ok, "/dev/shm is a tmpfs with 1048576 MiB free");
  free_bytes_ = 4'000'000;
  expect("hot_dir", Level::problem, "room for 3 MiB");
  free_bytes_ = std::nullopt;
  expect("hot_dir", Level::unknown, "how much room");
  config_.gateway.hot_dir = "/var/lib/backhand";
  free_bytes_ = 1'000'000'000;
  expect("hot_dir", Level::advice, "lies on ext4");
  config_.gateway.durability = config::Durability::power;
  expect("hot_dir", Level::ok, "used only for halts");
}

TEST_F(Folder, HotWhereEverybodyMayRemoveFilesIsAProblem) {
  put_good();
  make_folder("/dev/shm", 0777);
  expect("hot_dir", Level::problem, "chmod +t /dev/shm");
}

TEST_F(Folder, StateIsOursAlone) {
  put_good();
  make_folder("/var/lib/backhand", 0770);
  expect("state_dir", Level::problem, "can be written by others");
  make_folder("/var/lib/backhand", 0755);
  expect("state_dir", Level::ok, "alone");
  machine_.uid = ::geteuid() + 1;
  expect("state_dir", Level::problem, "belongs to user " + std::to_string(::geteuid()));
  machine_.uid = 0;
  expect("state_dir", Level::ok, "alone");
}

TEST_F(Folder, StateLiesOnALocalDiskWithRoom) {
  put_good();
  free_bytes_ = 100ULL * 1'048'576;
  expect("state_dir", Level::problem, "two segments want 128 MiB");
  free_bytes_ = 1'000ULL * 1'048'576;
  expect("state_dir", Level::advice, "all kept segments want 1024 MiB");
  free_bytes_ = std::nullopt;
  expect("state_dir", Level::unknown, "how much room");
  free_bytes_ = 1ULL << 40U;
  config_.gateway.state_dir = "/dev/shm/state";
  make_folder("/dev/shm/state", 0700);
  expect("state_dir", Level::problem, "gone after a restart of the machine");
  config_.gateway.state_dir = "/far away/state";
  make_folder("/far away/state", 0700);
  expect("state_dir", Level::problem, "lies on nfs4");
  remove("/proc/self/mountinfo");
  expect("state_dir", Level::unknown, "on which file system");
}

TEST_F(Folder, ThatIsNotThereIsSaid) {
  put_good();
  remove("/var/lib/backhand");
  expect("state_dir", Level::advice, "StateDirectory=");
  put("/var/lib/backhand", "a file");
  expect("state_dir", Level::problem, "is no folder");
}

TEST_F(Folder, RuntimeIsNotForEverybodyToWrite) {
  put_good();
  make_folder("/run/backhand", 01777);
  expect("runtime_dir", Level::problem, "can be written by everybody");
  make_folder("/run/backhand", 0775);
  expect("runtime_dir", Level::advice, "by its group");
}

}  // namespace
}  // namespace backhand::doctor
