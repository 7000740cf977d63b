// What people do over HTTP: a daemon on a real socket with a real database.
#include "daemon/app.h"
#include "daemon/net/http_client.h"
#include "tests/daemon/past_incidents.h"
#include "tests/daemon/run_task.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <set>

namespace runnerwatch {
namespace {

using json = nlohmann::ordered_json;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Headers = std::vector<std::pair<std::string, std::string>>;

// The incidents of past_incidents.h; of them #4 is open and #1 and #2 have left memory.
class ActApiTest : public testing::Test {
protected:
    ActApiTest() {
        auto store = std::move(*Store::open(folder_.file()));
        if (!store->commit(PastIncidents().take())) throw std::runtime_error("not written");
        store.reset();
        start();
    }
    ~ActApiTest() override { stop(); }

    void start() {
        auto rules = load_rule_set({});
        Config config;
        config.storage.database = folder_.file();
        config.http.listen = config.probe_listen = "127.0.0.1:0";
        app_ = std::make_unique<App>(io_, std::move(config), std::move(*rules), clock_,
                                     App::Watchers{});
        const auto begun = [this]() -> asio::awaitable<void> {
            const auto started = co_await app_->start();
            if (!started) throw std::runtime_error(started.error());
        };
        run(begun());
    }

    void stop() {
        run(app_->stop());
        app_.reset();
    }

    void run(asio::awaitable<void> task) { run_task(io_, std::move(task)); }

    HttpReply ask(const std::string& method, const std::string& path, const std::string& body = "",
                  Headers headers = {}) {
        if (method == "POST" && headers.empty()) headers = json_body;
        HttpClient client(io_.get_executor());
        HttpCall call;
        call.method = method;
        call.url = "http://127.0.0.1:" + std::to_string(app_->http_port()) + "/api/v1" + path;
        call.headers = std::move(headers);
        call.body = body;
        HttpReply reply;
        const auto fetch = [&]() -> asio::awaitable<void> {
            auto answer = co_await client.fetch(std::move(call));
            if (!answer) throw std::runtime_error(answer.error().what);
            reply = std::move(*answer);
        };
        run(fetch());
        return reply;
    }

    static Headers with(const char* name, const std::string& value) {
        return {{"Content-Type", "application/json"}, {name, value}};
    }

    // What a process that starts now would find in the file.
    IncidentDetail on_disk(const std::string& id) {
        auto reader = std::move(*Reader::open(folder_.file()));
        return std::move(**reader->incident(id));
    }

    static std::string ended_key(std::size_t number) {
        const std::string digits = std::to_string(number);
        return std::string(32 - digits.size(), 'e') + digits;
    }
    // Incidents that ended long ago, with a daemon that does not run.
    void write_ended(std::size_t count) {
        ChangeSet set;
        for (std::size_t i = 0; i < count; ++i) {
            IncidentRow row;
            row.key = row.identity = ended_key(i);
            row.ulid = ended_key(i).substr(6);
            row.rule = "job-request-forbidden";
            row.fields = row.values = row.symptoms = "{}";
            row.causes = row.also = "[]";
            row.state = IncidentState::resolved;
            row.first_seen = row.last_seen = row.ended_at = row.noted_at = history_noon;
            set.incidents[row.key] = row;
            set.identities[row.key] = IdentityRow{row.key, 1, row.key, "[]"};
        }
        auto store = std::move(*Store::open(folder_.file()));
        if (!store->commit(set)) throw std::runtime_error("not written");
    }

    json incident(const std::string& id) {
        return json::parse(ask("GET", "/incidents/" + id).body);
    }

    const Headers json_body{{"Content-Type", "application/json"}};
    TestFolder folder_;
    asio::io_context io_{1};
    Clock clock_;
    std::unique_ptr<App> app_;
};

TEST_F(ActApiTest, EachActIsOnDiskWhenItIsAnsweredAndShownAfterwards) {
    const struct {
        const char* act;
        const char* body;
        const char* member;  // of the incident, as it is shown
        json value;
    } table[] = {
        {"ack", R"({"actor":"ann","owner":"bob"})", "acknowledged_by", "bob"},
        {"unack", "", "acknowledged_by", ""},
        {"assign", R"({"to":"bob"})", "assignee", "bob"},
        {"tag", R"({"tags":["net","vpn"]})", "tags", {"net", "vpn"}},
        {"untag", R"({"tags":["net"]})", "tags", json::array({"vpn"})},
        {"unsnooze", "", "snooze", nullptr},
        {"merge", R"({"into":2})", "merged_into", std::string(31, 'a') + "2"},
        {"split", "{}", "merged_into", ""},
        {"resolve", R"({"actor":"ann","note":"new token"})", "resolved_by", "ann"},
    };
    for (const auto& one : table) {
        SCOPED_TRACE(one.act);
        const auto reply = ask("POST", std::string("/incidents/4/") + one.act, one.body);
        ASSERT_EQ(reply.status, 200) << reply.body;
        const json answer = json::parse(reply.body);
        EXPECT_EQ(answer.at("act"), one.act);
        EXPECT_EQ(answer.at("incident").at(one.member), one.value);
        EXPECT_EQ(on_disk("4").incident.changes, answer.at("incident").at("changes"));
        EXPECT_EQ(incident("4").at(one.member), one.value);
    }
    EXPECT_EQ(on_disk("4").incident.state, IncidentState::resolved);
    EXPECT_EQ(on_disk("4").timeline.back().text, "new token");
}

TEST_F(ActApiTest, ASnoozeIsShownWithAllThatEndsIt) {
    const auto reply =
        ask("POST", "/incidents/4/snooze",
            R"({"actor":"ann","until":"2h","count":50,"until_worse":true,"note":"known"})");
    ASSERT_EQ(reply.status, 200) << reply.body;
    const json snooze = incident("4").at("snooze");
    EXPECT_EQ(snooze.at("by"), "ann");
    EXPECT_EQ(snooze.at("count"), 50);
    EXPECT_EQ(snooze.at("until_worse"), true);
    EXPECT_GT(parse_time(snooze.at("until").get<std::string>())->time,
              clock_.now() + std::chrono::minutes(119));
}

TEST_F(ActApiTest, WhatLeftMemoryTakesNotesAndIsFoundByThem) {
    const auto reply = ask("POST", "/incidents/1/note", R"({"note":"the proxy was restarted"})");
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(on_disk("1").timeline.back().text, "the proxy was restarted");
    EXPECT_EQ(on_disk("1").timeline.back().actor, "api");
    const json found = json::parse(ask("GET", "/incidents?text=proxy").body).at("incidents");
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].at("number"), 1);
    EXPECT_EQ(ask("POST", "/incidents/1/ack").status, 409);
}

TEST_F(ActApiTest, OfWhatLeftMemoryAThousandAreTakenBackAndTheNextIsRefusedForAMinute) {
    stop();
    write_ended(IncidentBook::recalled_max + 1);
    start();
    std::size_t acted = 0;
    for (; acted < IncidentBook::recalled_max; acted += 100) {
        json acts = json::array();
        for (std::size_t i = acted; i < acted + 100; ++i)
            acts.push_back({{"incident", ended_key(i)}, {"act", "note"}, {"note", "seen"}});
        const auto reply = ask("POST", "/incidents:batch", json{{"acts", acts}}.dump());
        ASSERT_EQ(reply.status, 200) << reply.body;
    }
    const std::string last = ended_key(acted);
    const auto refused = ask("POST", "/incidents/" + last + "/note", R"({"note":"seen"})");
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.header("retry-after"), "60");
    EXPECT_EQ(refused.header("content-type"), "application/problem+json");
    EXPECT_THAT(refused.body, AllOf(HasSubstr("Nothing was changed: 1000 incidents"),
                                    HasSubstr("Ask again in a minute")));
    EXPECT_TRUE(on_disk(last).timeline.empty());
    EXPECT_EQ(on_disk(ended_key(acted - 1)).timeline.back().text, "seen");
    // Those that are held, and what never left, can be acted on.
    EXPECT_EQ(ask("POST", "/incidents/" + ended_key(0) + "/note", R"({"note":"x"})").status, 200);
    EXPECT_EQ(ask("POST", "/incidents/4/note", R"({"note":"x"})").status, 200);
    EXPECT_EQ(ask("GET", "/incidents/" + last).status, 200) << "reading needs no place";
}

TEST_F(ActApiTest, SurvivesARestartAndIsFilteredBy) {
    ASSERT_EQ(ask("POST", "/incidents/4/ack", R"({"actor":"ann"})").status, 200);
    ASSERT_EQ(ask("POST", "/incidents/4/tag", R"({"tags":["vpn"]})").status, 200);
    ASSERT_EQ(ask("POST", "/incidents/4/assign", R"({"to":"bob"})").status, 200);
    ASSERT_EQ(ask("POST", "/incidents/4/snooze", R"({"until":"3d"})").status, 200);
    stop();
    start();
    for (const char* query :
         {"acknowledged=true&state=open", "tag=vpn", "assignee=bob", "snoozed=true"}) {
        SCOPED_TRACE(query);
        const auto reply = ask("GET", std::string("/incidents?") + query);
        const json found = json::parse(reply.body).at("incidents");
        ASSERT_EQ(found.size(), 1u) << reply.body;
        EXPECT_EQ(found[0].at("number"), 4);
    }
    EXPECT_EQ(json::parse(ask("GET", "/incidents?tag=vp").body).at("incidents").size(), 0u);
    EXPECT_EQ(ask("GET", "/incidents?snoozed=maybe").status, 400);
}

TEST_F(ActApiTest, RubbishIsRefusedWithItsReasonAndChangesNothing) {
    const struct {
        const char* path;
        const char* body;
        int status;
        const char* why;
    } table[] = {
        {"/incidents/4/ack", "{", 400, "no JSON object"},
        {"/incidents/4/ack", "[]", 400, "no JSON object"},
        {"/incidents/4/ack", "\xff\xfe", 400, "no JSON object"},
        {"/incidents/4/ack", R"({"who":"ann"})", 400, "\\\"who\\\" is nothing that ack takes"},
        {"/incidents/4/ack", R"({"owner":7})", 400, "owner is a text"},
        {"/incidents/4/ack", R"({"until":"soon"})", 400, "until is a time"},
        {"/incidents/4/ack", R"({"until":"-2h"})", 400, "until is a time"},
        {"/incidents/4/ack", R"({"until":"2020-01-01"})", 400, "has passed"},
        {"/incidents/4/snooze", "{}", 400, "nothing says what ends the snooze"},
        {"/incidents/4/snooze", R"({"count":"many"})", 400, "count is a whole number"},
        {"/incidents/4/snooze", R"({"count":-1})", 400, "count is a whole number"},
        {"/incidents/4/snooze", R"({"count":1e300})", 400, "count is a whole number"},
        {"/incidents/4/snooze", R"({"count":1})", 409, "seen 1 times already"},
        {"/incidents/4/tag", R"({"tags":"net"})", 400, "tags is a list"},
        {"/incidents/4/tag", R"({"tags":["two words"]})", 400, "a tag is"},
        {"/incidents/4/note", "{}", 400, "the note is empty"},
        {"/incidents/4/merge", R"({"into":"99"})", 404, "there is no incident 99"},
        {"/incidents/4/merge", R"({"into":"4"})", 409, "is the same incident"},
        {"/incidents/99/ack", "{}", 404, "There is no incident 99"},
        {"/incidents/4/ack?until=2h", "{}", 400, "no parameters"},
        {"/incidents:batch", "{}", 400, "acts is a list"},
        {"/incidents:batch", R"({"acts":[{"act":"ack"}]})", 400, "names its incident"},
        {"/incidents:batch", R"({"acts":[{"act":"nod","incident":4}]})", 400, "no act"},
    };
    const std::string before = ask("GET", "/incidents/4").body;
    for (const auto& one : table) {
        SCOPED_TRACE(std::string(one.path) + " " + one.body);
        const auto reply = ask("POST", one.path, one.body);
        EXPECT_EQ(reply.status, one.status) << reply.body;
        EXPECT_EQ(reply.header("content-type"), "application/problem+json");
        EXPECT_THAT(reply.body, HasSubstr(one.why));
        EXPECT_EQ(json::parse(reply.body).at("status"), one.status);
    }
    EXPECT_EQ(ask("GET", "/incidents/4").body, before);
    const std::string deep = std::string(30'000, '[') + std::string(30'000, ']');
    EXPECT_EQ(ask("POST", "/incidents/4/ack", deep).status, 400);
    EXPECT_EQ(ask("POST", "/incidents/4/ack", std::string(70'000, ' ')).status, 413);
    const auto wrong = ask("GET", "/incidents/4/ack");
    EXPECT_EQ(wrong.status, 405);
    EXPECT_EQ(wrong.header("allow"), "POST");
    EXPECT_EQ(ask("POST", "/incidents", "{}").status, 405);
    EXPECT_EQ(ask("POST", "/incidents/4/nod", "{}").status, 405);
}

TEST_F(ActApiTest, PagesOfOtherSitesChangeNothing) {
    const Headers table[] = {
        {{"Content-Type", "text/plain"}},
        {{"Content-Type", "application/x-www-form-urlencoded"}},
        {{"Content-Type", "application/json"}, {"Host", "evil.example"}},
        {{"Content-Type", "application/json"}, {"Host", "localhost.evil.example"}},
        {{"Content-Type", "application/json"}, {"Host", "127.0.0.1:80.evil.example"}},
        {{"Content-Type", "application/json"}, {"Origin", "https://evil.example"}},
        {{"Content-Type", "application/json"}, {"Origin", "null"}},
        {{"Content-Type", "application/json"}, {"Origin", "http://127.0.0.1:1"}},
        {{"Content-Type", "application/json"}, {"Sec-Fetch-Site", "cross-site"}},
        {{"Content-Type", "application/json"}, {"Sec-Fetch-Site", "same-site"}},
    };
    for (const auto& headers : table) {
        SCOPED_TRACE(headers.back().first + ": " + headers.back().second);
        const auto reply = ask("POST", "/incidents/4/ack", "{}", headers);
        EXPECT_TRUE(reply.status == 403 || reply.status == 415) << reply.status;
    }
    EXPECT_EQ(incident("4").at("acknowledged_by"), "");
    const std::string host = "127.0.0.1:" + std::to_string(app_->http_port());
    const Headers ours{{"Content-Type", "application/json; charset=utf-8"},
                       {"Origin", "http://" + host},
                       {"Sec-Fetch-Site", "same-origin"}};
    EXPECT_EQ(ask("POST", "/incidents/4/ack", "{}", ours).status, 200);
    EXPECT_EQ(ask("GET", "/incidents/4", "", {{"Host", "evil.example"}}).status, 403);
}

TEST_F(ActApiTest, WhoeverHasNotSeenTheLatestChangeIsTold) {
    const auto first = ask("GET", "/incidents/4");
    const std::string tag(first.header("etag"));
    EXPECT_EQ(ask("GET", "/incidents/4", "", {{"If-None-Match", tag}}).status, 304);
    const auto taken = ask("POST", "/incidents/4/ack", "{}", with("If-Match", tag));
    ASSERT_EQ(taken.status, 200) << taken.body;
    EXPECT_EQ(ask("GET", "/incidents/4", "", {{"If-None-Match", tag}}).status, 200);
    const auto late = ask("POST", "/incidents/4/unack", "{}", with("If-Match", tag));
    EXPECT_EQ(late.status, 412);
    EXPECT_THAT(late.body, HasSubstr("read it again"));
    EXPECT_EQ(incident("4").at("acknowledged_by"), "api");
    const std::string answered(taken.header("etag"));
    EXPECT_EQ(ask("POST", "/incidents/4/unack", "{}", with("If-Match", answered)).status, 200);
    EXPECT_EQ(ask("POST", "/incidents/4/ack", "{}", with("If-Match", "*")).status, 200);
    EXPECT_EQ(ask("POST", "/incidents/4/ack", "{}", with("If-Match", "7")).status, 400);
    EXPECT_EQ(ask("POST", "/incidents/99/ack", "{}", with("If-Match", tag)).status, 404);
}

TEST_F(ActApiTest, WhatWasOnlySeenAgainIsNewToWhoReadsAndNoConflictToWhoActs) {
    const std::string tag(ask("GET", "/incidents/4").header("etag"));
    stop();
    ChangeSet set;
    IncidentRow row = on_disk("4").incident;
    ++row.count;
    set.incidents[row.key] = row;
    ASSERT_TRUE((*Store::open(folder_.file()))->commit(set));
    start();
    EXPECT_EQ(ask("GET", "/incidents/4", "", {{"If-None-Match", tag}}).status, 200);
    EXPECT_EQ(ask("POST", "/incidents/4/ack", "{}", with("If-Match", tag)).status, 200);
}

TEST_F(ActApiTest, CompressedBytesHaveATagOfTheirOwnByWhichCanBeActed) {
    const auto plain = ask("GET", "/incidents/4");
    const Headers gzip{{"Accept-Encoding", "gzip"}};
    const auto brief = ask("GET", "/incidents/4", "", gzip);
    EXPECT_EQ(plain.header("content-encoding"), "");
    EXPECT_EQ(brief.header("content-encoding"), "gzip");
    EXPECT_EQ(plain.header("vary"), "accept-encoding");
    EXPECT_EQ(brief.header("vary"), "accept-encoding");
    const std::string tag(brief.header("etag"));
    EXPECT_NE(tag, plain.header("etag"));
    EXPECT_EQ(ask("GET", "/incidents/4", "", {gzip[0], {"If-None-Match", tag}}).status, 304);
    EXPECT_EQ(ask("GET", "/incidents/4", "", {{"If-None-Match", tag}}).status, 200);
    EXPECT_EQ(ask("POST", "/incidents/4/ack", "{}", with("If-Match", tag)).status, 200);
}

TEST_F(ActApiTest, ARequestThatIsSentAgainIsAnsweredAgainAndNotDoneTwice) {
    const std::string body = R"({"note":"restarted it"})";
    const auto first = ask("POST", "/incidents/4/note", body, with("Idempotency-Key", "k1"));
    ASSERT_EQ(first.status, 200) << first.body;
    const auto changes = on_disk("4").incident.changes;
    for (const bool restarted : {false, true}) {
        SCOPED_TRACE(restarted);
        if (restarted) {
            stop();
            start();
        }
        const auto again = ask("POST", "/incidents/4/note", body, with("Idempotency-Key", "k1"));
        EXPECT_EQ(again.status, 200);
        EXPECT_EQ(again.body, first.body);
        EXPECT_EQ(again.header("etag"), first.header("etag"));
        EXPECT_EQ(again.header("idempotent-replayed"), "true");
        EXPECT_EQ(on_disk("4").incident.changes, changes);
    }
    EXPECT_EQ(
        ask("POST", "/incidents/4/note", R"({"note":"x"})", with("Idempotency-Key", "k1")).status,
        422);
    EXPECT_EQ(ask("POST", "/incidents/2/note", body, with("Idempotency-Key", "k1")).status, 422);
    EXPECT_EQ(ask("POST", "/incidents/4/note", body, with("Idempotency-Key", "k2")).status, 200);
    EXPECT_EQ(on_disk("4").incident.changes, changes + 1);
    EXPECT_EQ(ask("POST", "/incidents/4/note", body, with("Idempotency-Key", std::string(201, 'x')))
                  .status,
              400);
}

TEST_F(ActApiTest, ABatchSaysOfEachWhatCameOfIt) {
    const auto reply = ask("POST", "/incidents:batch", R"({"actor":"ann","acts":[
        {"incident":4,"act":"ack","until":"2h"}, {"incident":"99","act":"ack"},
        {"incident":"1","act":"tag","tags":["old"],"actor":"bob"}, {"incident":2,"act":"ack"}]})");
    ASSERT_EQ(reply.status, 200) << reply.body;
    const json results = json::parse(reply.body).at("results");
    ASSERT_EQ(results.size(), 4u);
    const int statuses[] = {200, 404, 200, 409};
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(results[i].at("status"), statuses[i]);
    EXPECT_EQ(on_disk("4").incident.acknowledged_by, "ann");
    EXPECT_EQ(on_disk("1").timeline.back().actor, "bob");
}

TEST_F(ActApiTest, SecretsInWhatPeopleWriteAreNotKept) {
    const std::string secret = "glpat-AAAAAAAAAAAAAAAAAAAA";
    const std::string body = R"({"note":"it was )" + secret + R"(","actor":")" + secret + R"("})";
    const auto reply = ask("POST", "/incidents/4/note", body);
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.body.find(secret), std::string::npos);
    for (const auto& row : on_disk("4").timeline) {
        EXPECT_EQ(row.text.find(secret), std::string::npos);
        EXPECT_EQ(row.actor.find(secret), std::string::npos);
    }
}

TEST_F(ActApiTest, AMergeIsShownOnBothSides) {
    ASSERT_EQ(ask("POST", "/incidents/4/merge", R"({"into":2})").status, 200);
    EXPECT_EQ(incident("4").at("merged_with").at("number"), 2);
    ASSERT_EQ(incident("2").at("merged").size(), 1u);
    EXPECT_EQ(incident("2").at("merged")[0].at("number"), 4);
    const auto listed = [this](const std::string& query) {
        std::set<int> numbers;
        const json page = json::parse(ask("GET", "/incidents" + query).body);
        for (const auto& one : page.at("incidents")) numbers.insert(one.at("number").get<int>());
        return numbers;
    };
    EXPECT_THAT(listed(""), AllOf(Contains(2), Not(Contains(4))));
    EXPECT_THAT(listed("?merged=true"), AllOf(Contains(2), Contains(4)));
    EXPECT_EQ(ask("GET", "/incidents?merged=yes").status, 400);
    stop();
    start();
    ASSERT_EQ(ask("POST", "/incidents/4/split").status, 200);
    EXPECT_EQ(incident("2").at("merged").size(), 0u);
}

}  // namespace
}  // namespace runnerwatch
