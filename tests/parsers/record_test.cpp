#include "parsers/record.h"

#include <gmock/gmock.h>

#include <map>

#include "tests/parsers/recordings.h"

namespace runnerwatch {

bool operator==(const Field& a, const Field& b) { return a.key == b.key && a.value == b.value; }

void PrintTo(const Field& field, std::ostream* out) { *out << field.key << "=" << field.value; }

namespace {

using Fields = std::vector<Field>;

const std::string forbidden_status =
    "POST https://gitlab.example.com/api/v4/jobs/request: 403 Forbidden";

const Fields forbidden_fields = {{"correlation_id", "01K3ABC"},
                                 {"runner", "glpat-xxx"},
                                 {"runner_name", "k8s runner"},
                                 {"status", forbidden_status}};

TEST(Record, IsTheSameInEveryFormatAndWhateverCollectorsDidToIt) {
    struct Case {
        const char* name;
        Format format;
        std::string head;
    };
    const std::string runner =
        "\x1b[31;1mERROR: Checking for jobs... forbidden             \x1b[0;m  "
        "\x1b[31;1mcorrelation_id\x1b[0;m=01K3ABC \x1b[31;1mrunner\x1b[0;m=glpat-xxx "
        "\x1b[31;1mrunner_name\x1b[0;m=k8s runner \x1b[31;1mstatus\x1b[0;m=" +
        forbidden_status;
    const auto with_escape = [&](const std::string& form) {
        std::string text = runner;
        for (std::size_t at = 0; (at = text.find('\x1b', at)) != std::string::npos;
             at += form.size())
            text.replace(at, 1, form);
        return text;
    };
    const std::string fields =
        "correlation_id=01K3ABC runner=glpat-xxx runner_name=k8s runner status=" + forbidden_status;
    const Case cases[] = {
        {"runner", Format::runner, runner},
        {"ESC lost", Format::runner, with_escape("")},
        {"ESC as rsyslog writes it", Format::runner, with_escape("#033")},
        {"ESC as cat -v writes it", Format::runner, with_escape("^[")},
        {"colour codes removed", Format::runner,
         "ERROR: Checking for jobs... forbidden               " + fields},
        {"blanks squeezed", Format::runner, "ERROR: Checking for jobs... forbidden " + fields},
        {"text", Format::text,
         "time=\"2026-08-22T10:00:03.5Z\" level=error msg=\"Checking for jobs... forbidden\" "
         "correlation_id=01K3ABC runner=glpat-xxx runner_name=\"k8s runner\" status=\"" +
             forbidden_status + "\""},
        {"logrus on a terminal", Format::text,
         "\x1b[31mERRO\x1b[0m[0031] Checking for jobs... forbidden                "
         "\x1b[31mcorrelation_id\x1b[0m=01K3ABC \x1b[31mrunner\x1b[0m=glpat-xxx "
         "\x1b[31mrunner_name\x1b[0m=\"k8s runner\" \x1b[31mstatus\x1b[0m=\"" +
             forbidden_status + "\""},
        {"the same without colours", Format::text,
         "ERRO[0031] Checking for jobs... forbidden                correlation_id=01K3ABC "
         "runner=glpat-xxx runner_name=\"k8s runner\" status=\"" +
             forbidden_status + "\""},
        {"json", Format::json,
         R"({"correlation_id":"01K3ABC","level":"error","msg":"Checking for jobs... forbidden",)"
         R"("runner":"glpat-xxx","runner_name":"k8s runner","status":")" +
             forbidden_status + R"(","time":"2026-08-22T10:00:03.5Z"})"},
    };
    for (const auto& [name, format, head] : cases) {
        SCOPED_TRACE(name);
        const Record record = decode_record(head);
        EXPECT_EQ(record.format, format);
        EXPECT_EQ(format_of_line(head), format);
        EXPECT_EQ(record.level, Level::error);
        EXPECT_EQ(record.message, "Checking for jobs... forbidden");
        EXPECT_EQ(record.fields, forbidden_fields);
    }
}

TEST(Record, KnowsEveryLevel) {
    struct Case {
        const char* head;
        Level level;
    };
    const Case cases[] = {
        {"Configuration loaded                              \x1b[0;m  builds\x1b[0;m=0",
         Level::info},
        {"\x1b[37;1mFeeding runners to channel                        \x1b[0;m ", Level::debug},
        {"\x1b[0;33mWARNING: x \x1b[0;m ", Level::warning},
        {"\x1b[31;1mFATAL: x \x1b[0;m ", Level::fatal},
        {"\x1b[31;1mPANIC: x \x1b[0;m ", Level::panic},
        {"WARNING: x", Level::warning},
        {"level=warn msg=x", Level::warning},
        {R"({"level":"trace","msg":"x"})", Level::debug},
        {R"({"level":"panic","msg":"x"})", Level::panic},
        {R"({"msg":"x"})", Level::none},
        {"FATA[0001] x", Level::fatal},
        {"E1123 20:32:07.024098      35 a.go:1] x", Level::error},
        {"panic: x", Level::panic},
        {"fatal error: newosproc", Level::fatal},
        {"SIGABRT: abort", Level::fatal},
        {"SIGNED: off", Level::fatal},
        {"Registration attempt 1 of 30", Level::none},
    };
    for (const auto& [head, level] : cases) {
        SCOPED_TRACE(head);
        EXPECT_EQ(decode_record(head).level, level);
        EXPECT_EQ(decode_record(head).message.find('\x1b'), std::string::npos);
    }
}

TEST(Record, KeepsTheLinesOfAMessageAndTrimsItsEnd) {
    const std::string long_message = "Couldn't save new system ID on state file. In order,\nplease";
    const Record runner = decode_record(
        "\x1b[0;33mWARNING: " + long_message +
        "\n\x1b[0;m  \x1b[0;33mstate_file\x1b[0;m=/etc/x \x1b[0;33msystem_id\x1b[0;m=r_1");
    const Record bare =
        decode_record("WARNING: " + long_message + "\n  state_file=/etc/x system_id=r_1");
    const Record json =
        decode_record(R"({"level":"warning",)"
                      R"("msg":"Couldn't save new system ID on state file. In order,\nplease\n",)"
                      R"("state_file":"/etc/x","system_id":"r_1"})");
    for (const Record& record : {runner, bare, json}) {
        EXPECT_EQ(record.message, long_message);
        EXPECT_EQ(record.fields, (Fields{{"state_file", "/etc/x"}, {"system_id", "r_1"}}));
    }
}

TEST(Record, SplitsFieldsBeforeItStripsColours) {
    const Record record = decode_record(
        "\x1b[31;1mERROR: a  b=c\x1b[0;m  \x1b[31;1merror\x1b[0;m=x y=z \x1b[36mblue\x1b[0m w "
        "\x1b[31;1mjob-status\x1b[0;m= \x1b[31;1mn.a[0]\x1b[0;m=1\n2");
    EXPECT_EQ(record.message, "a  b=c");
    EXPECT_EQ(record.fields,
              (Fields{{"error", "x y=z blue w"}, {"job-status", ""}, {"n.a[0]", "1\n2"}}));
}

TEST(Record, UndoesTheEscapesOfTextAndJson) {
    const Record text = decode_record(
        R"(time="2026-08-22T10:00:03.5Z" level=info msg="a \"b\" \\ \t\u00e9\x41" empty="" n=1)");
    EXPECT_EQ(text.message,
              "a \"b\" \\ \t\u00e9"
              "A");
    EXPECT_EQ(text.fields, (Fields{{"empty", ""}, {"n", "1"}}));
    EXPECT_EQ(format_time(*text.time), "2026-08-22T10:00:03.500000000Z");

    const Record json = decode_record(
        R"({"a":"\u003c\u0026\u003e","deep":{"x":[1,"}"]},"emoji":"\ud83d\ude80","lone":"\ud83d",)"
        R"("msg":"\u001b[31mred\u001b[0m\/","n":1.50,"no":null,"yes":true})");
    EXPECT_EQ(json.message, "red/");
    EXPECT_EQ(json.fields, (Fields{{"a", "<&>"},
                                   {"deep", R"({"x":[1,"}"]})"},
                                   {"emoji", "\U0001f680"},
                                   {"lone", "\ufffd"},
                                   {"n", "1.50"},
                                   {"no", "<nil>"},
                                   {"yes", "true"}}));
}

TEST(Record, PrintsNumbersOfJsonAsGoDoes) {
    const Record record = decode_record(
        R"({"StopSignal":15,"builds":3,"duration":748058030,"duration_s":1.5,"msg":"x",)"
        R"("shutdown-timeout":30000000000,"stop-signal":3,"unhealthy_interval":3600000000000,)"
        R"("update-interval":0})");
    EXPECT_EQ(record.fields, (Fields{{"StopSignal", "terminated"},
                                     {"builds", "3"},
                                     {"duration", "748.05803ms"},
                                     {"duration_s", "1.5"},
                                     {"shutdown-timeout", "30s"},
                                     {"stop-signal", "quit"},
                                     {"unhealthy_interval", "1h0m0s"},
                                     {"update-interval", "0s"}}));
}

TEST(Record, ReadsKlogWithAndWithoutQuotes) {
    const Record quoted = decode_record(
        R"(I1123 20:32:07.024098      35 reflector.go:1261] "Warning: event \"x\" expired" )"
        R"(err="a b" n=1)");
    EXPECT_EQ(quoted.format, Format::klog);
    EXPECT_EQ(quoted.message, "Warning: event \"x\" expired");
    EXPECT_EQ(quoted.fields, (Fields{{"source", "reflector.go:1261"}, {"err", "a b"}, {"n", "1"}}));
    EXPECT_EQ(decode_record("W0822 10:00:00.123456       1 a.go:7] plain words").message,
              "plain words");
}

TEST(Record, GivesAUsableRecordForBrokenJson) {
    const std::string whole =
        R"({"correlation_id":"01K3","level":"error","msg":"say \"hi\"","n":3,"runner":"x y"})";
    struct Case {
        const char* name;
        std::string head;
        const char* runner;
    };
    const Case cases[] = {
        {"whole", whole, "x y"},
        {"its end is missing", whole.substr(0, whole.size() - 3), "x "},
        {"something behind it", whole + " trailing", "x y"},
        {"its beginning is missing", whole.substr(12), "x y"},
        {"its brace is missing", whole.substr(1), "x y"},
        {"something before it", "myapp: " + whole, "x y"},
        {"a string of its own",
         R"("{\"level\":\"error\",\"msg\":\"say \\\"hi\\\"\",\"runner\":\"x y\"}")", "x y"},
        {"blanks", R"({ "level": "error", "msg": "say \"hi\"", "runner": "x y" })", "x y"},
        {"several lines",
         "{\n  \"level\": \"error\",\n  \"msg\": \"say \\\"hi\\\"\",\n  \"n\": 3,\n"
         "  \"runner\": \"x y\"\n}",
         "x y"},
    };
    for (const auto& [name, head, runner] : cases) {
        SCOPED_TRACE(name);
        const Record record = decode_record(head);
        EXPECT_EQ(record.format, Format::json);
        EXPECT_EQ(record.level, Level::error);
        EXPECT_EQ(record.message, "say \"hi\"");
        ASSERT_NE(record.field("runner"), nullptr);
        EXPECT_EQ(*record.field("runner"), runner);
    }
    // Without a message in it, it is what it looks like.
    const Record hopeless = decode_record(R"({"level":"error","m)");
    EXPECT_EQ(hopeless.format, Format::plain);
    EXPECT_EQ(hopeless.message, R"({"level":"error","m)");
}

TEST(Record, FindsARecordBehindWhatNoKnownCollectorWrites) {
    for (const std::string head :
         {"some > thing \x1b[31;1mERROR: Job failed \x1b[0;m  \x1b[31;1mjob\x1b[0;m=1",
          "some > thing \\x1b[31;1mERROR: Job failed \\x1b[0;m  \\x1b[31;1mjob\\x1b[0;m=1",
          "app: time=\"2026-08-22T10:00:03Z\" level=error msg=\"Job failed\" job=1",
          R"([x] {"job":1,"level":"error","msg":"Job failed"})"}) {
        SCOPED_TRACE(head);
        const Record record = decode_record(head);
        EXPECT_EQ(record.level, Level::error);
        EXPECT_EQ(record.message, "Job failed");
        EXPECT_EQ(record.fields, (Fields{{"job", "1"}}));
    }
    // A job's trace, a value with a colour in it, a sentence: no record begins there.
    for (const std::string line :
         {"2026-11-23T20:21:44.768776Z 00O \x1b[31;1mERROR: Job failed \x1b[0;m",
          " \x1b[31;1mmax_builds\x1b[0;m=4", "the time=\"now\" is level=1", "a {\"msg\":\"x\"}"}) {
        SCOPED_TRACE(line);
        EXPECT_NE(decode_record(line).message, "Job failed");
        EXPECT_NE(decode_record(line).level, Level::error);
    }
}

TEST(Record, DecodesAnyBytes) {
    const std::string heads[] = {"",
                                 "\x1b",
                                 "\x1b[31;1m",
                                 "\x1b[31;1mERROR: ",
                                 "\x1b[0;m ",
                                 " \x1b[0;m=\x1b[0;m=",
                                 "\x1b[0;m  =\x1b[0;m=",
                                 "{\"",
                                 "{\"\\",
                                 "{\"a\":\"\\u12",
                                 "{\"a\":{{{{[[[[",
                                 "time=\"",
                                 "time=x level=",
                                 "time= level=\"\\x",
                                 "WARN[",
                                 "WARN[]",
                                 "I1123 20:32:07.024098] ",
                                 "=",
                                 "  =  a=",
                                 std::string("\0\xff\xfe", 3)};
    for (const std::string& head : heads)
        EXPECT_LE(decode_record(head).message.size(), head.size()) << head;
}

TEST(Record, StaysLinearForHostileText) {
    for (const std::string piece : {"\x1b[0;m=", " a\x1b[0;m=", "[0", "=", "a=", "  a",
                                    "{\"a\":", "#033[0;m", "[", "\\\"", " error="}) {
        std::string head = "ERROR: x\x1b[0;m ";
        while (head.size() < 256 * 1024) head += piece;
        for (const char* start : {"", "{\"", "time= level=", "WARN[1] ", "\x1b[31;1m"})
            EXPECT_LE(decode_record(start + head).message.size(), head.size() + 16);
    }
}

TEST(Recordings, DecodeToTheFormatTheyWereMadeIn) {
    for (const std::string& name : recording_names()) {
        SCOPED_TRACE(name);
        std::map<Format, int> formats;
        for (const ReadRecord& read : records_of(read_recording(name)))
            ++formats[read.decoded().format];
        if (name.find(".json.") != std::string::npos) {
            EXPECT_EQ(formats[Format::runner], 0);
        }
        if (name.find(".text.") != std::string::npos) {
            EXPECT_EQ(formats[Format::runner], 0);
            EXPECT_GT(formats[Format::text], 5);
        }
        if (name.find(".runner") != std::string::npos) {
            EXPECT_EQ(formats[Format::json] > 0,
                      name.find("log-format-json-in-file") != std::string::npos);
        }
    }
}

// Messages with their level and the fields that do not differ from run to run.
std::vector<std::string> comparable(const std::string& recording) {
    std::vector<std::string> result;
    for (const ReadRecord& read : records_of(read_recording(recording))) {
        const Record record = read.decoded();
        std::string line = std::string(to_string(record.level)) + " " + record.message;
        if (const std::size_t id = line.find("echo \"r_"); id != std::string::npos)
            line.replace(id + 8, 12, "ID");
        for (const Field& field : record.fields)
            if (field.key != "correlation_id" && field.key != "pid" && field.key != "system_id")
                line += " " + field.key + "=" + field.value;
        result.push_back(line);
    }
    return result;
}

TEST(Recordings, OfOneScenarioSayTheSameInEveryFormat) {
    const std::vector<std::string> runner = comparable("seed-403-readonly.runner.log");
    EXPECT_EQ(runner.size(), 16u);
    EXPECT_EQ(comparable("seed-403-readonly.json.log"), runner);
    EXPECT_EQ(comparable("seed-403-readonly.text.log"), runner);
}

}  // namespace
}  // namespace runnerwatch
