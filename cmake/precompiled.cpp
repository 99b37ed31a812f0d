// What precompiled headers are made for; it is never run.
int main() {}
