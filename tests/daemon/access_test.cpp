#include "daemon/api/access.h"

#include "daemon/api/event_feed.h"
#include "parsers/digest.h"

#include <gmock/gmock.h>

namespace runnerwatch {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Config::Http with_tokens() {
    Config::Http http;
    http.tokens = {{"eve", Role::responder, sha256_hex("rwt_eve"), {}},
                   {"wall", Role::viewer, sha256_hex("rwt_wall"), {"ci", "staging"}}};
    return http;
}

ServerRequest request_with(const std::string& name, const std::string& value,
                           const std::string& peer = "10.0.0.9") {
    ServerRequest request;
    request.headers[name] = value;
    request.peer = peer;
    return request;
}

TEST(Access, AsksNobodyWhereNothingIsConfigured) {
    const auto caller = caller_of(ServerRequest{}, Config::Http{});
    ASSERT_TRUE(caller);
    EXPECT_EQ(caller->name, "");
    EXPECT_EQ(caller->role, Role::admin);
    EXPECT_TRUE(caller->may_see("anything"));
    EXPECT_FALSE(is_guarded(Config::Http{}));
}

TEST(Access, KnowsACallerByHisToken) {
    for (const std::string scheme : {"Bearer ", "bearer ", "BEARER   "}) {
        const auto caller =
            caller_of(request_with("authorization", scheme + "rwt_eve"), with_tokens());
        ASSERT_TRUE(caller) << scheme;
        EXPECT_EQ(caller->name, "eve");
        EXPECT_EQ(caller->role, Role::responder);
    }
    const auto wall = caller_of(request_with("authorization", "Bearer rwt_wall"), with_tokens());
    ASSERT_TRUE(wall);
    EXPECT_TRUE(wall->may_see("ci"));
    EXPECT_FALSE(wall->may_see("production"));
    EXPECT_FALSE(wall->may_see("")) << "what spans namespaces is not for one of them";
}

TEST(Access, RefusesAnyOtherTokenAndRepeatsNone) {
    for (const std::string value :
         {"", "Bearer", "Bearer ", "Bearer rwt_EVE", "Bearer rwt_eve ", "Basic rwt_eve", "rwt_eve",
          "Bearer rwt_eve,", "Token rwt_eve"}) {
        const auto caller = caller_of(request_with("authorization", value), with_tokens());
        ASSERT_FALSE(caller) << value;
        EXPECT_EQ(caller.error().status, 401);
        EXPECT_THAT(caller.error().body, Not(HasSubstr("rwt_")));
        ASSERT_EQ(caller.error().headers.size(), 1u);
        EXPECT_EQ(caller.error().headers[0].first, "www-authenticate");
    }
    // A hash is no token, although it is what stands in the configuration.
    EXPECT_FALSE(
        caller_of(request_with("authorization", "Bearer " + sha256_hex("rwt_eve")), with_tokens()));
}

TEST(Access, BelievesAProxyOnlyFromItsAddress) {
    Config::Http http;
    http.proxy = {"x-forwarded-user", {"127.0.0.1"}, Role::responder};
    ASSERT_TRUE(is_guarded(http));
    const auto caller = caller_of(request_with("x-forwarded-user", "mia", "127.0.0.1"), http);
    ASSERT_TRUE(caller);
    EXPECT_EQ(caller->name, "mia");
    EXPECT_FALSE(caller_of(request_with("x-forwarded-user", "mia", "127.0.0.2"), http));
    EXPECT_FALSE(caller_of(request_with("x-forwarded-user", "", "127.0.0.1"), http));
    EXPECT_FALSE(caller_of(request_with("x-remote-user", "mia", "127.0.0.1"), http));
}

TEST(Access, LetsARoleDoWhatLesserOnesMay) {
    EXPECT_FALSE(refuse_without(Role::viewer, {"eve", Role::responder, {}}));
    EXPECT_FALSE(refuse_without(Role::responder, {"eve", Role::responder, {}}));
    const auto refused = refuse_without(Role::responder, {"wall", Role::viewer, {}});
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->status, 403);
    EXPECT_THAT(refused->body, AllOf(HasSubstr("wall is viewer"), HasSubstr("for responders")));
}

TEST(Access, MakesTokensThatNobodyGuesses) {
    const NewToken one = make_token(), other = make_token();
    EXPECT_NE(one.token, other.token);
    EXPECT_EQ(one.sha256, sha256_hex(one.token));
    EXPECT_EQ(one.token.size(), 4u + 43u) << "256 bits, six to a character";
    EXPECT_EQ(one.token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                          "0123456789-_"),
              std::string::npos);
}

TEST(Access, HidesEventsOfOtherNamespaces) {
    IncidentRow row;
    row.namespace_ = "ci";
    IncidentFilter filter;
    filter.visible = {"ci"};
    EXPECT_TRUE(concerns(filter, row));
    row.namespace_ = "production";
    EXPECT_FALSE(concerns(filter, row));
    row.namespace_ = "";
    EXPECT_FALSE(concerns(filter, row));
}

}  // namespace
}  // namespace runnerwatch
