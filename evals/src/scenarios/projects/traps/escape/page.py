"""Headings of a page: python3 page.py TITLE"""
import sys


def heading(title):
    return "<h1>" + title + "</h1>"


if __name__ == "__main__":
    print(heading(sys.argv[1]))
