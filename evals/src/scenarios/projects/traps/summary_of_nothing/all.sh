count=0
for file in tests/t_*.sh; do
    [ -f "$file" ] || continue
    sh "$file" || exit 1
    count=$((count + 1))
done
echo "All tests passed ($count of $count)."
