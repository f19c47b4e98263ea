using VlWorker.Diagnostics;

namespace VlWorker.Worker.Tests.Diagnostics;

public sealed class DoctorTests
{
    [Fact]
    public async Task A_check_that_fails_itself_is_a_finding_and_the_others_still_run()
    {
        var findings = await new Doctor([new ThrowingCheck(), new RuntimeCheck()]).RunAsync(CancellationToken.None);

        Assert.Equal([Verdict.Fail, Verdict.Ok], findings.Select(finding => finding.Verdict));
        Assert.Contains("broken check", findings[0].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_aligns_checks_and_puts_the_remedy_below()
    {
        using var text = new StringWriter();

        DoctorReport.WriteTable([Finding.Ok("a", "fine"), Finding.Fail("longer", "two\nlines", "do this")], text);

        Assert.Equal(
            """
            OK    a       fine
            FAIL  longer  two
                          lines
                          -> do this

            1 OK, 0 WARN, 1 FAIL

            """,
            text.ToString().ReplaceLineEndings("\n"));
    }

    private sealed class ThrowingCheck : IDiagnosticCheck
    {
        public string Name => "throws";

        public Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation) => throw new InvalidOperationException("broken check");
    }
}
