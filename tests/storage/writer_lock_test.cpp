#include "storage/writer_lock.h"

#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <linux/magic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace runnerwatch {
namespace {

using testing::HasSubstr;

// Another process that opens the database, says whether it could, and lives until it is killed.
class OtherDaemon {
public:
    explicit OtherDaemon(const std::string& file) {
        int ends[2];
        if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
        pid = ::fork();
        if (pid == 0) {
            const auto store = Store::open(file);
            const char answer = store ? 'y' : 'n';
            if (::write(ends[1], &answer, 1) == 1)
                for (;;) ::pause();
            ::_exit(1);
        }
        ::close(ends[1]);
        char answer = 0;
        opened = ::read(ends[0], &answer, 1) == 1 && answer == 'y';
        ::close(ends[0]);
    }
    ~OtherDaemon() { kill(); }
    OtherDaemon(const OtherDaemon&) = delete;
    OtherDaemon& operator=(const OtherDaemon&) = delete;

    void kill() {
        if (pid <= 0) return;
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        pid = 0;
    }

    pid_t pid = 0;
    bool opened = false;
};

TEST(WriterLock, RefusesASecondProcessAndNamesTheFirst) {
    TestFolder folder;
    OtherDaemon other(folder.file());
    ASSERT_TRUE(other.opened);
    const auto refused = Store::open(folder.file());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, StoreError::Kind::locked);
    EXPECT_EQ(refused.error().what,
              "opening the database failed: it is being written by process " +
                  std::to_string(other.pid) + ". Database: " + folder.file() +
                  ". One daemon writes one database: stop the other, or give this one a file of "
                  "its own.");
    EXPECT_TRUE(Reader::open(folder.file())) << "reading is for everybody";
}

TEST(WriterLock, EndsWithItsProcessHoweverThatEnds) {
    TestFolder folder;
    OtherDaemon other(folder.file());
    ASSERT_TRUE(other.opened);
    other.kill();
    const auto store = Store::open(folder.file());
    EXPECT_TRUE(store) << store.error().what;
}

TEST(WriterLock, RefusesASecondWriterOfTheSameProcessToo) {
    TestFolder folder;
    auto first = Store::open(folder.file());
    ASSERT_TRUE(first);
    EXPECT_FALSE(Store::open(folder.file()));
    first->reset();
    EXPECT_TRUE(Store::open(folder.file()));
}

TEST(WriterLock, RefusesNetworkFileSystemsWithASentence) {
    const struct {
        unsigned long magic;
        const char* name;
    } networks[] = {{NFS_SUPER_MAGIC, "NFS"},
                    {SMB_SUPER_MAGIC, "SMB"},
                    {0xFF534D42, "SMB"},
                    {0xFE534D42, "SMB"},
                    {0x00C36400, "CephFS"},
                    {V9FS_MAGIC, "9p"},
                    {0x65735546, "a FUSE file system"},
                    {0xFFFFFFFFFF534D42, "SMB"}};
    for (const auto& network : networks) {
        const auto refused = refuse_network(network.magic, "/data/runnerwatch.db");
        ASSERT_TRUE(refused) << network.name;
        EXPECT_EQ(refused->kind, StoreError::Kind::network_file_system);
        EXPECT_EQ(refused->what,
                  std::string("opening the database failed: its folder is on ") + network.name +
                      ", where SQLite's locks and shared memory cannot be trusted. Database: "
                      "/data/runnerwatch.db. Put it on a disk of this machine or a block volume.");
    }
    constexpr unsigned long locals[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
                                        TMPFS_MAGIC, OVERLAYFS_SUPER_MAGIC};
    for (const auto local : locals) EXPECT_FALSE(refuse_network(local, "/data/runnerwatch.db"));
}

TEST(WriterLock, SaysWhatIsWrongWithAPlaceThatCannotHoldADatabase) {
    TestFolder folder;
    const auto missing = Store::open(folder.file("no/such/place.db"));
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().what, HasSubstr("no/such does not exist"));
    const auto a_folder = Store::open(folder.path);
    ASSERT_FALSE(a_folder);
    EXPECT_THAT(a_folder.error().what, HasSubstr("it is a folder"));
}

}  // namespace
}  // namespace runnerwatch
