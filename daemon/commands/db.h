#pragma once

#include "daemon/commands/listing.h"
#include "parsers/timestamp.h"

#include <iosfwd>
#include <string>

// `runnerwatch db …`: what is done to a database file as a whole. Exit codes: 0 done and nothing
// wrong; 1 something was found, or refused; 2 it could not be done. Blocking.
namespace runnerwatch {

// Prints the incidents of a database so that equal incidents give equal bytes. Exit code 0 or 2.
int dump_database(const std::string& file, std::ostream& out, std::ostream& errors);

// What check_database() found, one line each. 1: something; 2: it could not be examined.
int show_check(const std::string& file, std::ostream& out, std::ostream& errors);

// A verified copy, beside a daemon that writes or not. 1: `to` exists and `overwrite` was not said,
// or the database is damaged.
int write_backup(const std::string& file, const std::string& to, bool overwrite, std::ostream& out,
                 std::ostream& errors);

// Puts `backup` in the place of the database, which is kept beside it under a name with `now`. 1: a
// daemon runs on it, or the backup is none.
int restore_backup(const std::string& backup, const std::string& file, Timestamp now,
                   std::ostream& out, std::ostream& errors);

// Gives back to the disk what deleted rows left. 1: a daemon runs on it, or it is damaged.
int vacuum(const std::string& file, std::ostream& out, std::ostream& errors);

// Legal hold: retention passes over these incidents. Also beside a daemon. 1: there is no such
// incident, or it was so already.
int hold(const std::string& file, const std::string& id, const std::string& by,
         const std::string& reason, Timestamp now, std::ostream& out, std::ostream& errors);
int unhold(const std::string& file, const std::string& id, const std::string& by, Timestamp now,
           std::ostream& out, std::ostream& errors);
int list_holds(const std::string& file, ListFormat format, std::ostream& out, std::ostream& errors);

}  // namespace runnerwatch
