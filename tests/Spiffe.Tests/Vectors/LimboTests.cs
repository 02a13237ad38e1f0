namespace Mesh.Spiffe.Tests;

/// <summary>x509-limbo: RFC 5280 path validation as others understand it.</summary>
public sealed class LimboTests
{
    private const string Absent = "x509-limbo";

    public static TheoryData<string> Cases =>
        LimboCase.All.Count == 0 ? [Absent] : [.. LimboCase.All.Keys.Where(id => !VectorsLeftOut.Limbo.ContainsKey(id))];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Limbo(string id)
    {
        Assert.SkipWhen(id == Absent, VectorFiles.HowToGet);
        var limbo = LimboCase.All[id];

        var refusal = limbo.Validate();

        Assert.True(limbo.Success == refusal is null, $"expected {(limbo.Success ? "success" : "failure")}, got {refusal}");
    }

    [Fact]
    public void The_list_of_cases_left_out_names_no_case_that_is_not_there()
    {
        Assert.SkipWhen(LimboCase.All.Count == 0, VectorFiles.HowToGet);
        Assert.All(VectorsLeftOut.Limbo.Keys, id => Assert.Contains(id, LimboCase.All.Keys));
    }
}
