#include "parsers/record_view.h"

#include "parsers/known_heads.h"
#include "tests/parsers/recordings.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <set>

namespace runnerwatch {
namespace {

std::string words_of(const Record& record) {
    std::string words = std::string(to_string(record.format)) + " " + to_string(record.level) +
                        " " + record.message;
    for (const Field& field : record.fields) words += "\n" + field.key + "=" + field.value;
    return words;
}

class RecordViews : public testing::Test {
protected:
    // Compares what is made of a line's head, kept from another line, with the decoded line.
    void compare(const std::string& line) {
        const auto head = runner_head(line);
        if (!head) return;
        const KnownHeads::Known* known = heads.of(line, *head, true);
        if (known == nullptr || !known->before_fields) return;
        const std::string_view raw = without_log_time(line);
        view.refer_to(raw, known->head, head->size());
        ++compared;
        const Record record = decode_record(raw);
        ASSERT_EQ(words_of(view.copied()), words_of(record)) << line;
        std::set<std::string> keys{"job", "key", "m", "", "err", "]", "absent"};
        for (const Field& field : record.fields) keys.insert(field.key);
        for (const std::string& key : keys) {
            view.refer_to(raw, known->head, head->size());
            const auto field = std::find_if(record.fields.begin(), record.fields.end(),
                                            [&](const Field& one) { return one.key == key; });
            const std::string_view* value = view.field(key);
            ASSERT_EQ(value != nullptr, field != record.fields.end()) << key << " of " << line;
            if (value != nullptr) {
                ASSERT_EQ(*value, field->value) << key << " of " << line;
            }
        }
    }
    const Matcher matcher{RulePack{}};
    KnownHeads heads{matcher};
    RecordView view;
    int compared = 0;
};

TEST_F(RecordViews, SayOfEveryRecordedLineWhatDecodingItSays) {
    for (const std::string& name : recording_names())
        for (const std::string& line : lines_of(read_recording(name))) compare(line);
    EXPECT_GT(compared, 500);
}

TEST_F(RecordViews, SayTheSameWhateverStandsInTheFields) {
    static const std::string parts[] = {" ",
                                        "\x1b[31;1m",
                                        "\x1b[0;m",
                                        "=",
                                        "job",
                                        "\x1b[0;m=",
                                        "\x1b[0m=",
                                        "m=",
                                        "\x1b[0;33m",
                                        " key\x1b[0;m=value",
                                        " \x1b[31;1merror\x1b[0;m=x y ",
                                        "[",
                                        "\x1b[0",
                                        "#033[0;m",
                                        "\t"};
    static const std::string heads_of_lines[] = {
        "\x1b[31;1mERROR: Broken      \x1b[0;m ", "Idle \x1b[0;m ",
        "\x1b[0;33mWARNING: a b\x1b[0;m ", "odd\x1b[0m  key\x1b[0m=1 \x1b[0;m ", "x\x1b[0;m "};
    std::mt19937 random(5);
    for (int round = 0; round < 20'000 && !HasFatalFailure(); ++round) {
        std::string line = heads_of_lines[random() % std::size(heads_of_lines)];
        for (auto n = random() % 8; n > 0; --n) line += parts[random() % std::size(parts)];
        compare(line);
    }
    EXPECT_GT(compared, 10'000);
}

}  // namespace
}  // namespace runnerwatch
