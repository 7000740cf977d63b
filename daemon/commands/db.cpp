#include "daemon/commands/db.h"

#include "storage/store.h"

#include <iostream>

namespace runnerwatch {

int dump_database(const std::string& file) {
    auto reader = Reader::open(file);
    if (!reader) {
        std::cerr << "runnerwatch: " << reader.error().what << "\n";
        return 2;
    }
    const auto dump = (*reader)->canonical_dump();
    if (!dump) {
        std::cerr << "runnerwatch: " << dump.error().what << "\n";
        return 2;
    }
    std::cout << *dump;
    return std::cout.flush() ? 0 : 2;
}

}  // namespace runnerwatch
