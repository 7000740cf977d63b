#pragma once

#include "parsers/record.h"

#include <boost/container/small_vector.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace runnerwatch {

// What a line in the runner's own format is known to say by its head alone: the level and the
// message of its record, as decode_record() makes them.
struct HeadSays {
    Level level = Level::none;
    std::string message;
};

struct FieldView {
    std::string_view key, value;
};

// A record without copies: what rules are asked about. Refers to what it was made from; kept
// between records for its memory. One thread.
class RecordView {
public:
    using Fields = boost::container::small_vector<FieldView, 12>;

    RecordView() = default;
    explicit RecordView(const Record& record) { refer_to(record); }
    RecordView(const RecordView&) = delete;
    RecordView& operator=(const RecordView&) = delete;

    void refer_to(const Record& record);

    // The same as to decode_record(raw), for a record in the runner's own format whose head says
    // this and whose fields begin at `fields`. Its fields are read when they are first asked for,
    // and decoded only where they do not stand there as they are.
    void refer_to(std::string_view raw, const HeadSays& says, std::size_t fields);

    Level level() const { return level_; }
    std::string_view message() const { return message_; }
    const Fields& fields() const {  // in the order of the log
        if (unread_) read_fields();
        return fields_;
    }
    // The first field with this key, or nullptr.
    const std::string_view* field(std::string_view key) const;

    // With the message and the fields copied; it has no time.
    Record copied() const;

private:
    void read_fields() const;

    Format format_ = Format::plain;
    Level level_ = Level::none;
    std::string_view message_;
    std::string_view raw_;
    std::size_t fields_begin_ = 0;
    mutable bool unread_ = false;
    mutable Fields fields_;
    mutable Record decoded_;  // where fields are not plain
};

}  // namespace runnerwatch
