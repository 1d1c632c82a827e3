"""What became of each order of ours? What every client that trades needs beside the words of its venue."""
