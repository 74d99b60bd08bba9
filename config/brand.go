package config

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"unicode"
	"unicode/utf8"
)

const (
	// maxLogo bounds an image that is sent with the pages.
	maxLogo = 256 << 10
	// maxBrandName is in characters: more do not fit on a phone.
	maxBrandName = 60
)

var colour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func (b Brand) check(p *Problems) {
	if utf8.RuneCountInString(b.Name) > maxBrandName || !isPrintable(b.Name) {
		p.add("brand.name", quote(b.Name)+" is no name to show", "use up to 60 printable characters")
	}
	if b.Accent != "" && !colour.MatchString(b.Accent) {
		p.add("brand.accent", quote(b.Accent)+" is not a colour", `write it as "#rrggbb", six hexadecimal digits, such as "#1a56db"`)
	}
	_, _, err := b.Logo()
	p.addError("brand.logo_file", err)
}

func isPrintable(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// Logo reads the image at LogoFile and tells its media type; both are empty
// where none is set. The error, if any, is a Problem.
func (b Brand) Logo() (image []byte, mediaType string, err error) {
	if b.LogoFile == "" {
		return nil, "", nil
	}
	const remedy = "name a PNG, SVG, JPEG or WebP of up to 256 KiB"
	file := strconv.Quote(b.LogoFile)
	image, err = readLogo(b.LogoFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, "", Problem{What: file + ": there is no such file", Remedy: "correct the path"}
	case err != nil:
		return nil, "", Problem{What: err.Error(), Remedy: "name a file that grantd can read"}
	case len(image) > maxLogo:
		return nil, "", Problem{What: file + " is over 256 KiB", Remedy: remedy}
	}
	if mediaType = imageType(image); mediaType == "" {
		return nil, "", Problem{What: file + " is not an image that every browser shows", Remedy: remedy}
	}
	return image, mediaType, nil
}

// readLogo reads one byte more than a logo may have, so that the caller sees it.
func readLogo(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // a pipe would hold the start up
		return nil, errors.New(strconv.Quote(path) + " is not a file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxLogo+1))
}

// imageType is the media type of an image by what it begins with: a name can be
// wrong, and browsers are told to believe the type.
func imageType(image []byte) string {
	switch {
	case bytes.HasPrefix(image, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(image, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case len(image) > 12 && string(image[:4]) == "RIFF" && string(image[8:12]) == "WEBP":
		return "image/webp"
	case isSVG(image):
		return "image/svg+xml"
	}
	return ""
}

// isSVG reads up to the first element, past comments and a DOCTYPE.
func isSVG(image []byte) bool {
	decoder := xml.NewDecoder(bytes.NewReader(image))
	for {
		t, err := decoder.RawToken()
		if err != nil {
			return false
		}
		if element, ok := t.(xml.StartElement); ok {
			return element.Name.Local == "svg"
		}
	}
}
