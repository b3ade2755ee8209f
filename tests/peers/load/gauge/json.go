package gauge

import (
	"encoding/json"
	"os"
)

// WriteJSON writes a run's result to a file.
func WriteJSON(file string, result any) error {
	b, err := json.MarshalIndent(result, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
