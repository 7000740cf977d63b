// write_version_database FOLDER: writes v<N>.db and v<N>.dump, where N is the schema version of
// this program: a small database with a row in every table, and its canonical dump. Run again it
// writes the same bytes (with the same SQLite). See README.md beside this file.
#include "storage/legal_hold.h"
#include "storage/schema.h"
#include "storage/store.h"
#include "tests/storage/sample_rows.h"

#include <filesystem>
#include <fstream>
#include <iostream>

namespace runnerwatch {
namespace {

// Rows as the daemon writes them: keys without quotes, texts that are UTF-8.
ChangeSet plain_changes(int seed) {
    ChangeSet set = filled_changes(seed, Filler::Texts::plain);
    set.meta["database_id"] = "00000000000000000000000000000001";
    return set;
}

bool write(const std::string& file, const std::string& dump) {
    {
        auto store = Store::open(file);
        if (!store) {
            std::cerr << store.error().what << "\n";
            return false;
        }
        for (int seed = 1; seed <= 2; ++seed)
            if (const auto done = (*store)->commit(plain_changes(seed)); !done) {
                std::cerr << done.error().what << "\n";
                return false;
            }
    }
    if (const auto held = hold_incident(file, "1", "anna", "an audit", Timestamp{}); !held) {
        std::cerr << held.error().what << "\n";
        return false;
    }
    const auto reader = Reader::open(file);
    const auto text = reader ? (*reader)->canonical_dump() : failure(reader.error());
    if (!text) {
        std::cerr << text.error().what << "\n";
        return false;
    }
    std::ofstream(dump, std::ios::binary) << *text;
    return true;
}

}  // namespace
}  // namespace runnerwatch

int main(int argc, char** argv) {
    using namespace runnerwatch;
    if (argc != 2) {
        std::cerr << "usage: write_version_database FOLDER\n";
        return 2;
    }
    const std::string name =
        (std::filesystem::path(argv[1]) / ("v" + std::to_string(migrations().size()))).string();
    if (std::filesystem::exists(name + ".db")) {
        std::cerr << name << ".db exists. A released version's database is never written again; "
                  << "if this version was not released yet, delete the file first.\n";
        return 1;
    }
    if (!write(name + ".db", name + ".dump")) return 2;
    for (const char* part : {".db-wal", ".db-shm", ".db.lock"})
        std::filesystem::remove(name + part);
    std::cout << "written: " << name << ".db and " << name << ".dump\n";
    return 0;
}
