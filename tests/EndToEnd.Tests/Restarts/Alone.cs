namespace Mesh.EndToEnd.Tests.Restarts;

/// <summary>Tests that measure how long something takes, and so run while no others do.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public class Alone
{
    public const string Name = "alone";
}
