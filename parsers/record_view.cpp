#include "parsers/record_view.h"

#include "parsers/coloured_fields.h"
#include "parsers/find_text.h"

#include <cstring>

namespace runnerwatch {
namespace {

// Most keys differ in their length or their first letter.
bool same(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           (a.empty() || (a[0] == b[0] && std::memcmp(a.data(), b.data(), a.size()) == 0));
}

void refer_to_fields(const Record& record, RecordView::Fields& fields) {
    fields.clear();
    for (const Field& field : record.fields) fields.push_back({field.key, field.value});
}

}  // namespace

void RecordView::refer_to(const Record& record) {
    format_ = record.format;
    level_ = record.level;
    message_ = record.message;
    unread_ = false;
    refer_to_fields(record, fields_);
}

void RecordView::refer_to(std::string_view raw, const HeadSays& says, std::size_t fields) {
    format_ = Format::runner;
    level_ = says.level;
    message_ = says.message;
    raw_ = raw;
    fields_begin_ = fields;
    unread_ = true;
}

void RecordView::read_fields() const {
    unread_ = false;
    fields_.clear();
    bool plain = true;
    // The blank behind the reset belongs to the first field.
    each_coloured_field(raw_.substr(fields_begin_ - 1),
                        [&](std::string_view key, std::string_view value) {
                            plain = plain && value.find('\x1b') == std::string_view::npos;
                            fields_.push_back({key, value});
                        });
    if (!plain) {
        decoded_ = decode_record(raw_);
        return refer_to_fields(decoded_, fields_);
    }
    if (fields_.empty()) return;
    // Blanks behind the last value are the line's.
    std::string_view& last = fields_.back().value;
    last = last.substr(0, last.find_last_not_of(" \t\r\n") + 1);
}

// What rules ask for stands in few records: there its name does not stand either.
const std::string_view* RecordView::field(std::string_view key) const {
    if (unread_ && !key.empty() && find_text(raw_, key, fields_begin_) == std::string_view::npos)
        return nullptr;
    for (const FieldView& field : fields())
        if (same(field.key, key)) return &field.value;
    return nullptr;
}

Record RecordView::copied() const {
    Record record;
    record.format = format_;
    record.level = level_;
    record.message = message_;
    record.fields.reserve(fields().size());
    for (const FieldView& field : fields())
        record.fields.push_back({std::string(field.key), std::string(field.value)});
    return record;
}

}  // namespace runnerwatch
