// Command figures draws the pictures of docs/benchmarks.md.
//
//	figures growth FILE FOLDER     from the JSON lines of "make growth"
//	figures profiles FROM FOLDER   from the profiles of "make profiles", in a folder for each database
package main

import (
	"errors"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: figures growth FILE FOLDER, or figures profiles FROM FOLDER")
	}
	switch args[0] {
	case "growth":
		points, err := readPoints(args[1])
		if err != nil {
			return err
		}
		return drawGrowth(points, args[2])
	case "profiles":
		return drawProfiles(args[1], args[2])
	}
	return fmt.Errorf("there is no figure %q", args[0])
}
