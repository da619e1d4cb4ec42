"""docs/commands.md and docs/stages.md are what the program prints: they are made, not written."""
import program


class Reference(program.Program):
    def same(self, name, *words):
        path = program.SOURCE / "docs" / name
        made = self.stapes(*words)[0]
        if path.read_text() != made:
            self.fail(f"docs/{name} is old: build/release/bin/stapes {' '.join(words)} > docs/{name}")

    def test_commands(self):
        self.same("commands.md", "help", "--markdown")

    def test_stages(self):
        # every plugin of the source tree must be there, or the page of this build lacks some
        plugins = {p.parent.name for p in (program.SOURCE / "plugins").glob("*/CMakeLists.txt")}
        missing = plugins - {name.split(".")[0] for name in self.stages()}
        if missing:
            self.skipTest(f"this build lacks the plugins {missing}")
        self.same("stages.md", "inspect", "--markdown")


if __name__ == "__main__":
    program.main()
