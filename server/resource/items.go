package resource

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

const (
	defaultPage = 50
	maxPage     = 100
	maxItemID   = 200 // bytes
)

type item struct {
	ItemID string `json:"item_id"`
	Owner  string `json:"owner"`
}

// items answers GET /users/me/items/, a page at a time.
func (rt *router) items(w http.ResponseWriter, r *http.Request, owner store.User) error {
	limit, after, err := readPage(r.URL)
	if err != nil {
		return err
	}
	rows, err := rt.DB.Items(r.Context(), owner.ID, after, limit+1) // one more tells whether there is a next page
	if err != nil {
		return err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		w.Header().Set("Link", rt.nextPage(limit, rows[limit-1].ID))
	}
	page := make([]item, 0, len(rows))
	for _, row := range rows {
		page = append(page, item{row.ID, owner.Username})
	}
	return writeJSON(w, http.StatusOK, page)
}

func readPage(u *url.URL) (limit int, after string, err error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return 0, "", badRequest(reason.QueryMalformed, "the query string is malformed")
	}
	if len(query["limit"]) > 1 || len(query["after"]) > 1 {
		return 0, "", badRequest(reason.ParameterRepeated, "limit or after is given more than once")
	}
	limit = defaultPage
	if given := query.Get("limit"); given != "" {
		limit, err = strconv.Atoi(given)
		if err != nil || limit < 1 || limit > maxPage {
			return 0, "", badRequest(reason.PageLimit, fmt.Sprintf("limit is a number from 1 to %d", maxPage))
		}
	}
	return limit, query.Get("after"), nil
}

// nextPage is the Link header of RFC 8288 §3.
func (rt *router) nextPage(limit int, after string) string {
	query := url.Values{"limit": {strconv.Itoa(limit)}, "after": {after}}
	return "<" + rt.URL + "/users/me/items/?" + query.Encode() + `>; rel="next"`
}

// addItem answers POST /users/me/items/.
func (rt *router) addItem(w http.ResponseWriter, r *http.Request, owner store.User) error {
	body, err := readFields(w, r, "item_id")
	if err != nil {
		return err
	}
	id := body["item_id"]
	if problem := checkText(id, maxItemID); problem != "" {
		return badFields(reason.ItemRejected, http.StatusUnprocessableEntity, "item_id "+problem, map[string]string{"item_id": problem})
	}
	err = rt.DB.AddItem(r.Context(), owner.ID, store.Item{ID: id, CreatedAt: rt.Now()})
	var taken *store.TakenError
	if errors.As(err, &taken) {
		return badFields(reason.ItemTaken, http.StatusConflict, "you have an item of this name", map[string]string{"item_id": "is taken"})
	}
	if errors.Is(err, store.ErrNotFound) { // deleted since the token was checked
		return errGone
	}
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, item{id, owner.Username})
}

// checkText says what is wrong with a required line of text, or nothing.
func checkText(s string, most int) string {
	switch {
	case strings.TrimSpace(s) == "":
		return "is missing"
	case len(s) > most:
		return fmt.Sprintf("is longer than %d bytes", most)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return "has control characters or invalid UTF-8"
	case strings.ContainsFunc(s, isUnseen):
		return "has characters that nobody sees, such as one that turns the direction of writing"
	}
	return ""
}

// isUnseen: with format characters and line separators a name can look like
// another one, or turn round what stands behind it on a page.
func isUnseen(r rune) bool { return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) }
