mod commands;
mod config;
mod demo;

fn main() {}
