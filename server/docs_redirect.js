// Hands what came back from /authorize to the window of Swagger UI that opened this one.
(function () {
  const flow = window.opener && window.opener.swaggerUIRedirectOauth2;
  const say = (text) => { document.getElementById("outcome").textContent = text; };
  if (!flow) {
    say("There is no window of Swagger UI that waits for this answer. Press Authorize there again.");
    return;
  }
  const answer = new URLSearchParams(window.location.search);
  const fail = (message) => flow.errCb({ authId: flow.auth.name, source: "auth", level: "error", message: message });
  if (!flow.state || answer.get("state") !== flow.state) {
    // An answer to another request: its code may be somebody else's.
    fail("The answer belongs to another request. Press Authorize again.");
  } else if (answer.get("code")) {
    delete flow.state; // an answer counts once
    flow.auth.code = answer.get("code");
    flow.callback({ auth: flow.auth, redirectUrl: flow.redirectUrl });
  } else {
    fail((answer.get("error") || "no code") + ": " + (answer.get("error_description") || "the server gave no reason"));
  }
  window.close();
})();
