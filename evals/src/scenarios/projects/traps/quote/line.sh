# Prints a line of a receipt: sh line.sh TEXT
text=$1
# The printer takes one line.
eval "echo $text"
