package reason

// What is wrong at the pages for people and the built-in resource router.
const (
	CrossSiteForm   Word = "cross_site_form"
	DecisionMissing Word = "decision_missing"
	AppGone         Word = "app_gone"
	SessionMissing  Word = "session_missing"
	PageLimit       Word = "page_limit_wrong"
	ItemRejected    Word = "item_rejected"
	ItemTaken       Word = "item_taken"
)

var pageEntries = []Entry{
	is(CrossSiteForm, "403 invalid_request", "A form of ours was sent from a page of another site, or by another URL of this server than the issuer's.",
		"Open the page under the issuer's URL and send it again. Behind a proxy: the Host header must reach grantd, and the issuer must be the URL that browsers see."),
	is(DecisionMissing, "400 invalid_request", "The form of the consent page says neither allow nor deny.", "Send the form by its buttons."),
	is(AppGone, "400 invalid_request", "The app that somebody wanted to disconnect is no more.", "Open the account page again."),
	is(SessionMissing, "400 invalid_request", "The form does not say which session is to end.", "Send the form of the account page."),
	is(PageLimit, "400 invalid_request", "limit is no number from 1 to 100.", "Follow the Link header of the answer."),
	is(ItemRejected, "422 invalid_request", "item_id is missing, too long, or has characters that it may not.", "Correct it; the answer says what is wrong."),
	is(ItemTaken, "409 invalid_request", "The user has an item of this name.", "Choose another name."),
}
